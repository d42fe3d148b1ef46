/* `kaos up`: opens ledger, store and rooms, listens, and starts the worker. The only file of the
 * server that knows which back ends there are. */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { isKaosError, KaosError } from '../api/errors.ts'
import { countBuffersAsHeap } from '../api/heap.ts'
import { startTracing } from '../api/tracing/start.ts'
import { versionOf } from '../api/version.ts'
import type { Ledger } from '../graph/ledger.ts'
import { openSqliteLedger } from '../graph/sqlite/ledger.ts'
import { snapshotSqlite } from '../graph/sqlite/snapshot.ts'
import { openFilesystemStore } from '../store/filesystem.ts'
import type { Store } from '../store/store.ts'
import { announcement, farewell, notesOf, partsOf, workerUrlOf } from './announce.ts'
import { type App, buildApp } from './app.ts'
import { FIRST_STEPS, loadSettings, pythonOf } from './config.ts'
import { hostLooks, type Probes } from './doctor/host.ts'
import { workersLook } from './doctor/parts.ts'
import { openJobs } from './jobs/jobs.ts'
import type { Messenger } from './jobs/neighbours.ts'
import { registerJobRoutes } from './jobs/register.ts'
import { lockFolder } from './lock.ts'
import { type Metrics, openMetrics } from './metrics/metrics.ts'
import type { Parts, Settings } from './parts.ts'
import { acceptAdministrator } from './people/given.ts'
import { hasAdministratorToken } from './people/tokens.ts'
import { openEventPush } from './provenance/event-push.ts'
import { queueSource } from './queue/counted.ts'
import { openRooms, type Rooms } from './rooms.ts'
import { type Check, each } from './system/checks.ts'
import { engineAnswers } from './system/engine.ts'
import { hostLimits } from './system/host.ts'
import { rememberStore, requireOwnStore } from './system/installation.ts'
import { openLog } from './system/log.ts'
import { acceptWorker } from './worker/given.ts'
import { workerViews } from './worker/view.ts'
import { startWorker, type Worker } from './worker/worker.ts'

/** Answers that are still going out when the server stops get this long. */
const CUT_MS = 3000
const ENGINE_MS = 2500

interface Running {
  readonly port: number
  /** Finishes what was accepted, and lets go of everything. Programs go on. */
  stop(): Promise<void>
}

async function start(settings: Settings): Promise<Running> {
  const { data } = settings
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const lock = lockFolder(data)
  const { log, stream } = openLog({
    ...settings.logging,
    file: join(data, 'logs', 'server.log'),
    tell: line => console.error(line),
  })
  const tracing = await startTracing({
    service: 'kaos-server',
    version: versionOf(),
    warn: message => log('warn', message),
  })
  process.on('uncaughtException', error => {
    log('error', `the server failed: ${error.message}`, { stack: error.stack })
    process.exit(1)
  })
  const rooms = await openGround(settings, log)
  const bucket = settings.s3 && (await import('../store/s3.ts')).openS3Look(settings.s3)
  const messenger = await openMessenger(settings, rooms)
  const jobs = await openJobs(rooms, messenger)
  rooms.metrics.from({ queue: queueSource(jobs.board) })

  let draining = false
  let worker: Worker | undefined
  const app = await buildApp(rooms, {
    jobs,
    async registerJobRoutes(below) {
      await below.register(registerJobRoutes, { parts: rooms, jobs })
    },
    parts: partsOf(settings),
    notes: notesOf(settings),
    checks: {
      runner: each(async () => worker?.trouble(), engineCheck(settings)),
      ...(bucket ? { storage: bucket.trouble } : {}),
      ...(messenger ? { queue: async () => messenger.trouble() } : {}),
    },
    draining: () => draining,
    looks: {
      ...hostLooks(settings, probes(), Date.now),
      workers: workersLook(() => workerViews(jobs.board)),
    },
    snapshot: file => snapshotOf(settings, file),
    logStream: stream,
  })
  const port = await listen(app, settings)
  const pushing = settings.openLineage && openEventPush({ ...rooms, target: settings.openLineage })
  const door = settings.worker ? await workerDoor(app, settings, port) : undefined
  if (door) worker = await startWorker({ settings, people: rooms.people, url: door.url, log })
  log('info', 'listening', { port, pid: process.pid })

  async function stop(): Promise<void> {
    draining = true
    log('info', 'stopping')
    const last = farewell(jobs.running())
    await worker?.close()
    door?.close()
    await closeApp(app)
    await jobs.close()
    await messenger?.close()
    bucket?.close()
    await pushing?.close()
    await rooms.ledger.close()
    await rooms.store.close()
    await tracing?.close()
    log('info', 'stopped')
    lock.release()
    if (last !== undefined) console.log(last)
  }
  return { port, stop }
}

/** Ledger and store, which belong together, and the rooms over them. */
async function openGround(settings: Settings, log: Parts['log']): Promise<Rooms> {
  const metrics = openMetrics()
  const ledger = metrics.ledger.over(await openLedger(settings, metrics))
  const { adminToken: token, enrol } = settings
  if (token !== undefined) await acceptAdministrator({ ledger, token, now: Date.now(), log })
  if (enrol !== undefined) await acceptWorker({ ledger, enrol, now: Date.now, log })
  await requireAdministrator(settings, ledger)
  const store = await openStore(settings)
  await requireOwnStore(ledger, store)
  const limits = hostLimits()
  const ground = {
    settings,
    ledger,
    store,
    limits,
    now: Date.now,
    log,
    metrics,
    localName: userName(),
  }
  const rooms = await openRooms(ground)
  await rememberStore(ledger, store, rooms.people.system.id)
  return rooms
}

async function openLedger({ neo4j, data }: Settings, { ledger }: Metrics): Promise<Ledger> {
  const { onGroup } = ledger
  if (neo4j) {
    // Its driver is a third of what a start over one file loads.
    const { openNeo4jLedger } = await import('../graph/neo4j/ledger.ts')
    return openNeo4jLedger(neo4j, { onGroup, keepIn: data })
  }
  return openSqliteLedger(join(data, 'ledger.sqlite'), { onGroup })
}

/** How this host is tried out for `kaos doctor`; loaded when it is asked for. */
function probes(): Probes {
  const host = () => import('../runners/process/host.ts')
  return {
    python: pythonOf(),
    askPython: async command => (await host()).askPython(command),
    tryAbilities: async python => (await host()).tryAbilities(python),
  }
}

/** A copy of the ledger as it is at one moment. */
async function snapshotOf({ neo4j, data }: Settings, file: string): Promise<Ledger> {
  if (neo4j) await (await import('../graph/neo4j/snapshot.ts')).snapshotNeo4j(neo4j, file)
  else await snapshotSqlite(join(data, 'ledger.sqlite'), file)
  return openSqliteLedger(file)
}

async function openStore({ s3, data }: Settings): Promise<Store> {
  if (s3 === undefined) return openFilesystemStore(join(data, 'store'))
  // Its client takes a tenth of a second to load, which nobody else is to wait for.
  const { openS3Store } = await import('../store/s3.ts')
  return openS3Store({ ...s3, cacheFolder: join(data, 'store-cache') })
}

/** Of the engine that this host's own worker uses; undefined where it uses none. */
function engineCheck({ engine }: Settings): Check | undefined {
  if (engine === undefined) return undefined
  return async () =>
    (await engineAnswers(engine, ENGINE_MS)) ? undefined : 'the Docker Engine does not answer'
}

/** Undefined where nothing carries messages: then other servers look for themselves. */
async function openMessenger(
  { redis }: Settings,
  { ledger, log }: Rooms,
): Promise<Messenger | undefined> {
  if (redis === undefined) return undefined
  const { openRedisMessenger } = await import('./queue/redis.ts')
  return openRedisMessenger({ url: redis, name: ledger.id, log })
}

async function requireAdministrator({ local }: Settings, ledger: Ledger): Promise<void> {
  if (local || (await hasAdministratorToken(ledger, Date.now()))) return
  const why = 'nobody could get in: this server asks everybody for a token, and there is none'
  throw new KaosError('CONFIGURATION', `${why}. ${FIRST_STEPS}`)
}

async function listen(app: App, { host, port }: Settings): Promise<number> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const place = `${host}:${port}`
    const next = 'stop what has it, or choose another with --port'
    const why = code === 'EADDRINUSE' ? `the address ${place} is in use; ${next}` : message
    throw new KaosError('CONFIGURATION', why, { cause })
  }
  return (app.server.address() as AddressInfo).port
}

/** Where the worker reaches the API: the server itself, or else a plain listener on loopback. */
async function workerDoor(app: App, settings: Settings, port: number) {
  const url = workerUrlOf(settings, port)
  if (url !== undefined) return { url, close: () => {} }
  const door = createServer((request, response) => app.routing(request, response))
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  const { port: own } = door.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${own}`,
    close() {
      door.close()
      door.closeAllConnections()
    },
  }
}

async function closeApp(app: App): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), CUT_MS)
  await app.close()
  clearTimeout(timer)
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user without an entry in the system's list, as in many containers.
    return 'kaos'
  }
}

/** One line for what people can mend; the whole error for what is ours. */
function fail(error: unknown): never {
  if (isKaosError(error)) {
    console.error(`Error - ${error.message}`)
    process.exit(error.exit)
  }
  console.error(`Error - the server failed: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}

// Whoever gathers the log may have no room for it; the answers go on.
process.stderr.on('error', () => {})
countBuffersAsHeap()
try {
  const settings = await loadSettings(process.argv.slice(2))
  const { port, stop } = await start(settings)
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      console.log('kaos is stopping: it finishes what it is answering; a second Ctrl-C cuts it off')
      stop().then(() => process.exit(0), fail)
    })
  }
  // Who reads this line may send a signal at once.
  console.log(announcement(settings, port))
} catch (error) {
  fail(error)
}
