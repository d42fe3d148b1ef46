/* The worker's process. Started by the server as a child, or by `kaos worker` on a host of its own; ends
 * when its stdin is closed (whoever started it is gone) or on SIGTERM, and leaves what runs to the next
 * one.
 *
 *   KAOS_SERVER         URL of the server                          needed
 *   KAOS_WORKER_TOKEN, KAOS_WORKER_TOKEN_FILE   token with the scope `worker`   needed
 *   KAOS_DATA           data folder; the worker keeps to `worker/` below it     needed
 *   KAOS_RUNNER         process | docker | kubernetes              docker where an engine answers, else process
 *   KAOS_SLOTS          trainings, builds and ingestions at once   2
 *   KAOS_LABELS         words that jobs may ask for: gpu,bigmem
 *   KAOS_GPUS           which GPUs are handed out                  all
 *   KAOS_CACHE_GB       inputs kept for later, in GB               a fifth of the volume
 *   KAOS_WORKER_ID      name that the server shows                 the host's name
 *   KAOS_WORKER_LISTEN, _ADDRESS, _TLS_CERT, _TLS_KEY, _PLAIN      see worker/reach.ts
 *   KAOS_WORKER_OWN     1: the server started it
 *   KAOS_CA             PEM file of the server's own authority
 *   KAOS_PYTHON         Python that programs are run with          python3
 *   KAOS_DOCKER_SOCKET, DOCKER_HOST   where the engine listens
 *   KAOS_DOCKER_NETWORK  network that services join, when this worker is in it */
import { existsSync, fstatSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { KaosError } from '../api/errors.ts'
import { countBuffersAsHeap } from '../api/heap.ts'
import { isLogged, LOG_LEVELS, type LogLevel, logLine } from '../api/log-line.ts'
import { startTracing } from '../api/tracing/start.ts'
import { versionOf } from '../api/version.ts'
import { requireForm } from './form.ts'
import { openProcessRunner } from './process/process.ts'
import { onceThereIsRoom } from './room.ts'
import type { Runner } from './runner.ts'
import {
  cacheBytesOf,
  labelsOf,
  needed,
  reachSettingsOf,
  requireProcessesAllowed,
  slotsOf,
  tokenOf,
} from './settings.ts'
import { AttemptsClient } from './worker/attempts-client.ts'
import { openForwarder } from './worker/forwarder.ts'
import { type ReachSettings, reachOf } from './worker/reach.ts'
import type { Say } from './worker/work.ts'
import { openWorker } from './worker/worker.ts'

/** What pip may see of the worker's environment. */
const FOR_PIP = /^(HOME|PIP_.*|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/i
const DOCKER_SOCKET = '/var/run/docker.sock'

const { env } = process

async function openDocker(): Promise<Runner> {
  const { openDockerRunner } = await import('./docker/docker.ts')
  const socket = env.KAOS_DOCKER_SOCKET || env.DOCKER_HOST
  const network = env.KAOS_DOCKER_NETWORK
  return openDockerRunner({
    gpus: env.KAOS_GPUS || 'all',
    ...(socket ? { socket } : {}),
    ...(network ? { network } : {}),
  })
}

function openProcesses(folder: string, reach: ReachSettings): Promise<Runner> {
  requireProcessesAllowed(env, reach)
  const passed = Object.entries(env).filter(([key]) => FOR_PIP.test(key)) as [string, string][]
  return openProcessRunner({
    cache: join(folder, 'cache', 'environments'),
    claims: join(folder, 'gpus'),
    gpus: env.KAOS_GPUS || 'all',
    env: Object.fromEntries(passed),
    ...(env.KAOS_PYTHON ? { python: env.KAOS_PYTHON } : {}),
  })
}

async function openRunner(folder: string, reach: ReachSettings): Promise<Runner> {
  const name = env.KAOS_RUNNER
  if (!name) return (await answering(await openDocker())) ?? openProcesses(folder, reach)
  if (name === 'docker') return openDocker()
  if (name === 'kubernetes') {
    const { openKubernetesRunner } = await import('./kubernetes/kubernetes.ts')
    const { kubernetesOptions } = await import('./kubernetes/settings.ts')
    const hasDocker = env.KAOS_DOCKER_SOCKET || env.DOCKER_HOST || existsSync(DOCKER_SOCKET)
    const builder = hasDocker ? await openDocker() : undefined
    return openKubernetesRunner(kubernetesOptions(env), builder)
  }
  if (name === 'process') return openProcesses(folder, reach)
  const known = 'give process, docker or kubernetes'
  throw new KaosError('CONFIGURATION', `KAOS_RUNNER is "${name}"; ${known}`)
}

/** Undefined when its engine does not answer. */
async function answering(runner: Runner): Promise<Runner | undefined> {
  try {
    await runner.capabilities()
    return runner
  } catch (error) {
    await runner.close()
    if (error instanceof KaosError && error.code === 'RUNNER_UNAVAILABLE') return undefined
    throw error
  }
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

const LEAST = LOG_LEVELS.find(level => level === env.KAOS_LOG_LEVEL) ?? 'info'

/** On a terminal words, for programs that gather logs a line of JSON. */
function tell(level: LogLevel, text: string, about: object = {}): void {
  if (process.stderr.isTTY) process.stderr.write(`worker: ${text}\n`)
  else if (isLogged(level, LEAST)) process.stderr.write(logLine(level, text, about))
}

const say: Say = (text, about) => tell('info', text, about)

/** Answers how to close it. */
async function open(): Promise<() => Promise<void>> {
  const tracing = await startTracing({
    service: 'kaos-worker',
    version: versionOf(),
    warn: message => tell('warn', message),
  })
  const reach = reachSettingsOf(env)
  const client = new AttemptsClient({
    server: reach.server,
    token: tokenOf(env),
    ...(env.KAOS_CA ? { ca: readFileSync(env.KAOS_CA, 'utf8') } : {}),
  })
  const folder = join(needed(env, 'KAOS_DATA'), 'worker')
  const waiting = () => say(`the disk of ${folder} is full; it goes on once there is room`)
  await onceThereIsRoom(() => requireForm(folder), waiting)
  const options = {
    id: env.KAOS_WORKER_ID || hostname(),
    slots: slotsOf(env),
    labels: labelsOf(env),
    cacheBytes: await cacheBytesOf(env, folder),
  }
  const runner = await onceThereIsRoom(() => openRunner(folder, reach), waiting)
  const place = await reachOf(reach)
  const forwarder = place && (await openForwarder(place))
  const services = reach.own || forwarder !== undefined
  const parts = { folder, client, runner, forwarder, services, say }
  const worker = await onceThereIsRoom(() => openWorker({ ...options, ...parts }), waiting)
  const { engine, gpus, notes } = await runner.capabilities()
  const having = gpus === 0 ? '' : `, GPUs: ${gpus}`
  say(`ready, runner ${runner.name}: ${engine}${having}`)
  if (forwarder) say(`calls to services come in at ${forwarder.about.url}`)
  if (!services) say('note: it runs no services: give --listen for calls to them to come in at')
  for (const note of notes) say(`note: ${note}`)
  return async () => {
    await worker.close()
    await runner.close()
    client.close()
    await tracing?.close()
  }
}

async function main(): Promise<void> {
  const ending = theEnd()
  // Whatever is half open then may stay so: the next one takes it over.
  const close = await Promise.race([open(), ending])
  await ending
  await close?.()
}

// What cannot be written of a log, on a full disk, is lost; the work goes on.
process.stderr.on('error', () => {})
countBuffersAsHeap()
try {
  await main()
  process.exit(0)
} catch (error) {
  tell('error', error instanceof Error ? error.message : String(error))
  process.exit(error instanceof KaosError ? error.exit : 1)
}
