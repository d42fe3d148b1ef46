/* What "building an image" means without an engine: the bundle's requirements become a virtual
 * environment of this host, and the image is the list of what is in it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { BuildOrder, Built, RunOrder } from '../runner.ts'
import type { Python } from './host.ts'
import type { PlaceFiles } from './place-files.ts'
import { type Interpreter, PipFailure, readRequirements, type Venvs } from './venvs.ts'

const FILES = {
  train: ['requirements.txt'],
  serve: ['requirements.txt', 'web-requirements.txt'],
} as const

export interface Setting {
  readonly venvs: Venvs
  readonly python: Python
  readonly facts: Environment
}

export async function buildEnvironment(
  { venvs, python, facts }: Setting,
  order: BuildOrder,
  files: PlaceFiles,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Built> {
  await rm(files.run, { recursive: true, force: true })
  await mkdir(files.run, { recursive: true, mode: 0o700 })
  const requirements = await readRequirements(join(order.source, 'model'), FILES[order.purpose])
  if (requirements.length === 0) log('No requirements: the program runs with the plain interpreter')
  let interpreter: Interpreter
  try {
    interpreter = await venvs.prepare(requirements, files.run, log, signal, order)
  } catch (error) {
    await rm(files.run, { recursive: true, force: true })
    if (error instanceof PipFailure) return { state: 'failed', reason: error.message }
    throw error
  }
  const { key, lock, packages } = interpreter
  const { implementation, platform, version } = python
  const described = {
    kind: 'environment',
    key,
    python: version,
    implementation,
    platform,
    packages,
  }
  await mkdir(files.image)
  await writeFile(join(files.image, 'environment.json'), `${JSON.stringify(described, null, 2)}\n`)
  await writeFile(join(files.image, 'requirements.lock'), lock)
  log(`Environment of ${order.image} is ready: Python ${version}, ${amount(packages)}`)
  const environment = { ...facts, packages }
  return { state: 'succeeded', kind: 'environment', folder: files.image, labels: {}, environment }
}

function amount(packages: Readonly<Record<string, string>>): string {
  const count = Object.keys(packages).length
  return count === 1 ? '1 package' : `${count} packages`
}

/** The interpreter an image stands for: the venv that was made for it, or one made again from what
 * was locked (the cache was cleaned, or this is another host). A venv that was made again from the
 * same requirements may hold other versions: only what was locked counts. */
export async function interpreterOf(
  { venvs }: Setting,
  order: RunOrder,
  work: string,
  log: (line: string) => void,
): Promise<Interpreter> {
  if (order.image.kind !== 'environment') {
    const message = `${order.image.name} was built by docker; deploy the bundle again to build it for the process runner`
    throw new KaosError('RUNNER_UNAVAILABLE', message)
  }
  const folder = await order.layout()
  const { key } = JSON.parse(await readFile(join(folder, 'environment.json'), 'utf8'))
  const requirements = await readRequirements(folder, ['requirements.lock'])
  if (requirements.length === 0) return venvs.plain()
  const there = await venvs.find(String(key))
  if (there?.lock === requirements[0]!.text) return there
  try {
    return await venvs.prepare(requirements, work, log, new AbortController().signal)
  } catch (cause) {
    if (!(cause instanceof PipFailure)) throw cause
    const message = `the environment of ${order.image.name} cannot be made again here: ${cause.message}`
    throw new KaosError('RUNNER_UNAVAILABLE', message, { cause })
  }
}
