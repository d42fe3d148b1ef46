/* The worker's process. Started by the server as a child, or alone on a host of its own; ends when its
 * stdin is closed (whoever started it is gone) or on SIGTERM, and leaves what runs to the next one.
 *
 *   KAOS_SERVER         URL of the server                          needed
 *   KAOS_WORKER_TOKEN   token with the scope `worker`              needed
 *   KAOS_DATA           data folder; the worker keeps to `worker/` below it     needed
 *   KAOS_RUNNER         process | docker | kubernetes              process
 *   KAOS_SLOTS          trainings, builds and ingestions at once   2
 *   KAOS_CACHE_GB       inputs kept for later, in GB               a fifth of the volume
 *   KAOS_WORKER_ID      name that the server shows                 the host's name
 *   KAOS_CA             PEM file of the server's own authority
 *   KAOS_PYTHON         Python that programs are run with          python3
 *   KAOS_DOCKER_SOCKET, DOCKER_HOST   where the engine listens */
import { existsSync, fstatSync, readFileSync } from 'node:fs'
import { mkdir, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { KaosError } from '../api/errors.ts'
import { countBuffersAsHeap } from '../api/heap.ts'
import { openProcessRunner } from './process/process.ts'
import type { Runner } from './runner.ts'
import { AttemptsClient } from './worker/attempts-client.ts'
import { openWorker } from './worker/worker.ts'

/** What pip may see of the worker's environment. */
const FOR_PIP = /^(HOME|PIP_.*|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/i
const SLOTS = 2
const DOCKER_SOCKET = '/var/run/docker.sock'

const { env } = process

function needed(name: string): string {
  const value = env[name]
  if (value) return value
  throw new KaosError('CONFIGURATION', `${name} is not set; the worker cannot start without it`)
}

function slots(): number {
  const value = Number(env.KAOS_SLOTS || SLOTS)
  if (Number.isInteger(value) && value > 0) return value
  throw new KaosError('CONFIGURATION', `KAOS_SLOTS is "${env.KAOS_SLOTS}"; give a number from 1`)
}

/** What is in use may be more. */
async function cacheBytes(folder: string): Promise<number> {
  if (env.KAOS_CACHE_GB) {
    const value = Number(env.KAOS_CACHE_GB)
    if (Number.isFinite(value) && value >= 0) return value * 1e9
    const given = `KAOS_CACHE_GB is "${env.KAOS_CACHE_GB}"`
    throw new KaosError('CONFIGURATION', `${given}; give a number of gigabytes, such as 50`)
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { blocks, bsize } = await statfs(folder)
  return (blocks * bsize) / 5
}

async function openDocker(): Promise<Runner> {
  const { openDockerRunner } = await import('./docker/docker.ts')
  const socket = env.KAOS_DOCKER_SOCKET || env.DOCKER_HOST
  return openDockerRunner(socket ? { socket } : {})
}

async function openRunner(folder: string): Promise<Runner> {
  const name = env.KAOS_RUNNER || 'process'
  if (name === 'docker') return openDocker()
  if (name === 'kubernetes') {
    const { openKubernetesRunner } = await import('./kubernetes/kubernetes.ts')
    const { kubernetesOptions } = await import('./kubernetes/settings.ts')
    const hasDocker = env.KAOS_DOCKER_SOCKET || env.DOCKER_HOST || existsSync(DOCKER_SOCKET)
    const builder = hasDocker ? await openDocker() : undefined
    return openKubernetesRunner(kubernetesOptions(env), builder)
  }
  if (name === 'process') {
    const passed = Object.entries(env).filter(([key]) => FOR_PIP.test(key)) as [string, string][]
    return openProcessRunner({
      cache: join(folder, 'cache', 'environments'),
      env: Object.fromEntries(passed),
      ...(env.KAOS_PYTHON ? { python: env.KAOS_PYTHON } : {}),
    })
  }
  const known = 'give process, docker or kubernetes'
  throw new KaosError('CONFIGURATION', `KAOS_RUNNER is "${name}"; ${known}`)
}

/** Resolves when this process is to end. */
function theEnd(): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
    // A pipe means a parent that ends it by ending; a terminal or /dev/null means nothing.
    const stdin = fstatSync(0)
    if (!stdin.isFIFO() && !stdin.isSocket()) return
    process.stdin.once('end', () => resolve())
    process.stdin.once('error', () => resolve())
    process.stdin.resume()
  })
}

const say = (line: string) => process.stderr.write(`worker: ${line}\n`)

async function main(): Promise<void> {
  const ending = theEnd()
  const folder = join(needed('KAOS_DATA'), 'worker')
  const client = new AttemptsClient({
    server: needed('KAOS_SERVER'),
    token: needed('KAOS_WORKER_TOKEN'),
    ...(env.KAOS_CA ? { ca: readFileSync(env.KAOS_CA, 'utf8') } : {}),
  })
  const runner = await openRunner(folder)
  const id = env.KAOS_WORKER_ID || hostname()
  const options = { slots: slots(), cacheBytes: await cacheBytes(folder) }
  const worker = await openWorker({ id, folder, client, runner, say, ...options })
  const { engine, notes } = await runner.capabilities()
  say(`ready, runner ${runner.name}: ${engine}`)
  for (const note of notes) say(`note: ${note}`)
  await ending
  await worker.close()
  await runner.close()
  client.close()
}

countBuffersAsHeap()
try {
  await main()
  process.exit(0)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(error instanceof KaosError ? error.exit : 1)
}
