/* The real engine for the Docker suites: images built from the small base image, names with a random
 * suffix, everything removed at the end. */
import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Dockerode from 'dockerode'
import { digestOf } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import { openDockerRunner } from '../../runners/docker/docker.ts'
import type { Built, Place, TrialOrder } from '../../runners/runner.ts'
import { aliveOnThisHost, type Prepared, type RunnerFixture } from './fixture.ts'

/** A variable that `npm run test:services` must have: without it the suite fails. */
function needed(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(
    `${name} is not set: start the Docker Engine of the tests and export what it prints`,
  )
}

export type Image = Extract<Built, { state: 'succeeded' }>

export interface DockerFixture extends RunnerFixture {
  readonly docker: Dockerode
  readonly socket: string
  readonly base: string
  readonly small: string
  /** A folder that goes away with the fixture. */
  folder(): Promise<string>
  /** Builds a bundle: Dockerfile and the files of its model/ folder. */
  build(bundle: Bundle): Promise<{ built: Built; log: string[]; place: Place; name: string }>
  /** The same, as what a run starts from. */
  prepare(bundle: Bundle): Promise<Prepared & { built: Image }>
}

export interface Bundle {
  readonly dockerfile: string
  readonly files?: Readonly<Record<string, string>>
  /** Instead of `files`: a folder to copy. */
  readonly model?: string
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly onLog?: (line: string) => void
}

export async function openDockerFixture(): Promise<DockerFixture> {
  const socket = needed('KAOS_TEST_DOCKER_SOCKET')
  const small = needed('KAOS_TEST_SMALL_IMAGE')
  const base = needed('KAOS_TEST_BASE_IMAGE')
  const options = { socket }
  const runner = await openDockerRunner(options)
  const docker = new Dockerode({ socketPath: socket })
  const root = await mkdtemp(join(tmpdir(), 'kaos-docker-'))
  const suffix = randomBytes(4).toString('hex')
  const names = new Set<string>()
  const folder = () => mkdtemp(join(root, 'f-'))

  const build = async (bundle: Bundle) => {
    const source = await folder()
    const name = `build-train-${suffix}:${randomBytes(3).toString('hex')}`
    names.add(name)
    await writeBundle(source, bundle)
    const place = { attempt: newId(), dir: await folder() }
    const log: string[] = []
    const order = {
      purpose: 'train',
      image: name,
      source,
      buildArgs: bundle.buildArgs ?? {},
    } as const
    const note = (line: string) => {
      log.push(line)
      bundle.onLog?.(line)
    }
    const built = await runner.build(order, place, note, bundle.signal ?? never())
    if (built.state === 'succeeded') names.add(`kaos/pin:${built.manifest?.slice(7)}`)
    return { built, log, place, name }
  }
  const prepare = async (bundle: Bundle) => preparedOf(await build(bundle))

  return {
    runner,
    docker,
    socket,
    base,
    small,
    folder,
    build,
    prepare,
    view: 'private',
    opener: {
      module: new URL('../../runners/docker/docker.ts', import.meta.url).href,
      name: 'openDockerRunner',
      options,
    },
    image: model => prepare({ dockerfile: programDockerfile(small), model }),
    alive: aliveOnThisHost,
    async close() {
      await runner.close()
      for (const name of names)
        await docker
          .getImage(name)
          .remove({ force: true })
          .catch(() => {})
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** A program that runs the Python that CODE holds: one image for many tests. */
export const RUNS_CODE = '#!/usr/bin/env python3\nimport os\nexec(os.environ["CODE"])\n'

export interface Attempt {
  readonly place: Place
  readonly order: TrialOrder
}

/** An attempt with this image, laid out on disk; it ends with the test. */
export async function attemptOf(
  t: TestContext,
  fixture: DockerFixture,
  prepared: Prepared,
  wanted: { code?: string; resources?: TrialOrder['resources']; data?: string } = {},
): Promise<Attempt> {
  const base = await fixture.folder()
  const data = wanted.data ?? 'features:9fd9d'
  for (const below of ['attempt', 'out', 'hyper', data]) await mkdir(join(base, below))
  await writeFile(join(base, data, 'a.csv'), '1,2\n')
  await writeFile(join(base, 'hyper', 'params.null'), '{}')
  const place = { attempt: newId(), dir: join(base, 'attempt') }
  t.after(async () => {
    await fixture.runner.stop(place, 0)
    await fixture.runner.release(place)
  })
  return {
    place,
    order: {
      image: prepared.image,
      layout: () => prepared.layout(),
      program: base,
      resources: wanted.resources ?? {},
      env: wanted.code === undefined ? {} : { CODE: wanted.code },
      data: [{ name: data, path: join(base, data) }],
      hyper: join(base, 'hyper'),
      out: join(base, 'out'),
      output: 'b82151',
    },
  }
}

/** The Dockerfile that all templates amount to. */
export function programDockerfile(base: string, more = ''): string {
  return `FROM ${base}\nWORKDIR /opt/program\nCOPY . /opt/program/\n${more}\n`
}

async function writeBundle(source: string, bundle: Bundle): Promise<void> {
  const model = join(source, 'model')
  await mkdir(model)
  await writeFile(join(source, 'Dockerfile'), bundle.dockerfile)
  if (bundle.model !== undefined) await cp(bundle.model, model, { recursive: true })
  for (const [name, text] of Object.entries(bundle.files ?? {})) {
    await mkdir(join(model, name, '..'), { recursive: true })
    await writeFile(join(model, name), text, { mode: 0o755 })
  }
}

function preparedOf({ built, name }: { built: Built; name: string }): Prepared & { built: Image } {
  if (built.state !== 'succeeded') throw new Error(`the build of a test failed: ${built.reason}`)
  const unknown = digestOf('not kept in a store here')
  return {
    built,
    image: {
      name,
      kind: built.kind,
      tree: unknown,
      program: unknown,
      labels: built.labels,
      ...(built.manifest === undefined ? {} : { manifest: built.manifest }),
    },
    layout: async () => built.folder,
  }
}

function never(): AbortSignal {
  return new AbortController().signal
}
