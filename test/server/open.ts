/* A server to test against: real ledger, real store, in a folder of its own that goes afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Role } from '../../api/actor.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { type AppOptions, buildApp, type JobsRoom } from '../../server/app.ts'
import { type Jobs, openJobs } from '../../server/jobs/jobs.ts'
import type { Messenger } from '../../server/jobs/neighbours.ts'
import { registerJobRoutes } from '../../server/jobs/register.ts'
import type { Limits, Settings } from '../../server/parts.ts'
import { openTokens } from '../../server/people/tokens.ts'
import { openUsers } from '../../server/people/users.ts'
import { queueSource } from '../../server/queue/counted.ts'
import { openRooms, type Rooms } from '../../server/rooms.ts'
import { openLog } from '../../server/system/log.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Store } from '../../store/store.ts'

export interface TestOptions extends Partial<AppOptions> {
  readonly settings?: Partial<Settings>
  readonly limits?: Limits
  /** In the place of the real jobs room, with none of its routes. */
  readonly jobs?: JobsRoom
  /** In the place of the one in the folder. */
  readonly store?: Store
  /** Stands between the server and its ledger. */
  readonly withLedger?: (ledger: Ledger) => Ledger
  /** Between this server and others. */
  readonly messenger?: Messenger
  /** A folder that the test keeps, to open a second server in it. */
  readonly folder?: string
}

export interface TestApp {
  readonly app: FastifyInstance
  readonly parts: Rooms
  /** The real jobs room, unless another was given. */
  readonly jobs: Jobs | undefined
  readonly folder: string
  /** What `parts.now` answers; a test may move it. */
  readonly clock: { now: number }
  /** Makes a user of that role and answers a token of theirs. */
  tokenOf(role: Role): Promise<string>
  /** Listens on a free port; answers the base URL. */
  listen(): Promise<string>
  /** Closes the app, ledger and store before the test ends; the folder stays until then. */
  close(): Promise<void>
}

export const NO_JOBS: JobsRoom = {
  route: () => undefined,
  stopWorkspace: async () => {},
  pipelinesOf: async () => ({ pipelines: [], repos: [] }),
}

const leavings = new WeakMap<TestContext, (() => unknown)[]>()

/** Runs at the end of the test; what was begun last is ended first. */
export function atEnd(t: TestContext, end: () => unknown): void {
  const ends = leavings.get(t)
  if (ends) {
    ends.push(end)
    return
  }
  const all = [end]
  leavings.set(t, all)
  t.after(async () => {
    for (let next = all.pop(); next; next = all.pop()) await next()
  })
}

export async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-'))
  atEnd(t, () => rm(folder, { recursive: true, force: true }))
  return folder
}

export function testSettings(data: string, settings: Partial<Settings> = {}): Settings {
  return {
    host: '127.0.0.1',
    port: 0,
    data,
    runner: 'process',
    dockerSocket: undefined,
    baseImage: undefined,
    secretKeyFile: undefined,
    neo4j: undefined,
    worker: true,
    slots: 1,
    labels: [],
    ingestAllow: [],
    readyTimeoutMs: 60_000,
    leaseMs: 15_000,
    tls: undefined,
    behindProxy: false,
    shared: false,
    local: true,
    publicUrl: undefined,
    scrubDays: 0,
    reserve: { share: 0, bytes: 0 },
    logging: { level: 'info', to: 'file' },
    bounds: { requestsPerSecond: 0, uploads: 256, memoryBytes: 0, lagMs: 0 },
    ...settings,
  }
}

export async function openTestApp(t: TestContext, options: TestOptions = {}): Promise<TestApp> {
  const {
    settings,
    limits,
    jobs,
    folder: given,
    store: other,
    withLedger,
    messenger,
    ...rest
  } = options
  const folder = given ?? (await tempFolder(t))
  const clock = { now: Date.now() }
  const now = () => clock.now
  const sqlite = await openSqliteLedger(join(folder, 'ledger.sqlite'), { now })
  const ledger = withLedger?.(sqlite) ?? sqlite
  const store = other ?? (await openFilesystemStore(join(folder, 'store')))
  const used = testSettings(folder, settings)
  const file = join(folder, 'logs', 'server.log')
  const { log, stream } = openLog({ ...used.logging, file, tell: () => {} })
  const parts = await openRooms({
    settings: used,
    ledger,
    store,
    limits: limits ?? { cpus: 4, memoryBytes: 8 * 2 ** 30, gpus: 0 },
    now,
    log,
    localName: 'tester',
  })
  const own = jobs ? undefined : await openJobs(parts, messenger)
  if (own) parts.metrics.from({ queue: queueSource(own.board) })
  const app = await buildApp(parts, {
    logStream: stream,
    ...rest,
    ...(own ? jobsOf(parts, own) : { jobs: jobs ?? NO_JOBS }),
  })

  let users = 0
  let closed: Promise<void> | undefined
  async function closeAll(): Promise<void> {
    const closing = app.close()
    app.server.closeAllConnections()
    await closing
    await own?.close()
    await ledger.close()
    await store.close()
  }
  const close = () => (closed ??= closeAll())
  atEnd(t, close)

  return {
    app,
    parts,
    jobs: own,
    folder,
    clock,
    close,
    tokenOf: role => tokenOf(parts, role, `${role}${++users}`),
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    },
  }
}

function jobsOf(parts: Rooms, jobs: Jobs): Pick<AppOptions, 'jobs' | 'registerJobRoutes'> {
  return {
    jobs,
    async registerJobRoutes(below) {
      await below.register(registerJobRoutes, { parts, jobs })
    },
  }
}

async function tokenOf({ ledger, people, now }: Rooms, role: Role, user: string): Promise<string> {
  await openUsers(ledger, now).create(people.local, { name: user, role })
  return (await openTokens(ledger, now).create(people.local, { user })).token
}
