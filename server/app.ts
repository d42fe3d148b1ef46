/* The app: every route of the API over the rooms, and the gateway in front of it on the same port. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, type FastifyLoggerOptions, LogController } from 'fastify'
import type { Actor } from '../api/actor.ts'
import { workerKeyRoutes, workerKeySetRoutes } from './attestations/key-routes.ts'
import { openDenials } from './audit/denials.ts'
import { openNoting } from './audit/noting.ts'
import { auditRoutes } from './audit/routes.ts'
import type { Snapshot } from './backup/moment.ts'
import { backupRoutes } from './backup/routes.ts'
import { bundleFormRoutes } from './bundles/form.ts'
import { bundleRoutes } from './bundles/routes.ts'
import { openCare } from './care/care.ts'
import { careRoutes } from './care/routes.ts'
import { entityRoutes } from './catalogue/entity-routes.ts'
import { repositoryRoutes } from './catalogue/routes.ts'
import { tagRoutes } from './catalogue/tag-routes.ts'
import type { Look } from './doctor/findings.ts'
import { partLooks } from './doctor/parts.ts'
import { doctorRoutes } from './doctor/routes.ts'
import { dvcRoutes } from './dvc/routes.ts'
import { type Gateway, openGateway } from './gateway/gateway.ts'
import { lfsRoutes } from './lfs/routes.ts'
import { metricsRoutes } from './metrics/routes.ts'
import type { Endpoints, Workspace } from './parts.ts'
import { openDoor } from './people/door.ts'
import { tokenRoutes, userRoutes } from './people/routes.ts'
import { openTokens } from './people/tokens.ts'
import { openUsers } from './people/users.ts'
import { addAuth } from './plugins/auth.ts'
import { addBodies, JSON_MAX } from './plugins/bodies.ts'
import { addErrors, answerBadUrl } from './plugins/errors.ts'
import { addFront, requestIdOf } from './plugins/front.ts'
import { addIdempotency } from './plugins/idempotency.ts'
import { addMeasuring } from './plugins/measuring.ts'
import { addOpenapi } from './plugins/openapi.ts'
import { addPressure, openPressure } from './plugins/pressure.ts'
import { addTracing } from './plugins/tracing.ts'
import { addValidation } from './plugins/validation.ts'
import { keySetRoutes, proofRoutes } from './proofs/routes.ts'
import { registryRoutes } from './registry/routes.ts'
import type { Rooms } from './rooms.ts'
import { serverOver, TIMING, type Timing } from './sockets.ts'
import { type Check, each, ledgerCheck, roomCheck } from './system/checks.ts'
import { systemRoutes } from './system/routes.ts'
import { contentRoutes } from './transfer/content.ts'
import { uploadRoutes } from './transfer/routes.ts'
import { openUploads } from './transfer/uploads.ts'
import { workspaceRoutes } from './workspaces/routes.ts'

/** What the app needs of the jobs room. */
export interface JobsRoom extends Endpoints {
  stopWorkspace(actor: Actor, workspace: Workspace): Promise<void>
  pipelinesOf(workspace: Workspace): Promise<{ pipelines: string[]; repos: string[] }>
}

export interface AppOptions {
  readonly jobs: JobsRoom
  /** Adds the routes of the jobs rooms, below /api/v1. */
  registerJobRoutes?(app: FastifyInstance): Promise<void>
  /** What each part runs on, and what a user should know, for GET /server. */
  readonly parts?: Readonly<Record<string, string>>
  readonly notes?: readonly string[]
  /** Besides those that every server has. */
  readonly checks?: Readonly<Record<string, Check>>
  readonly draining?: () => boolean
  /** Bounds on what connections may take, other than usual. */
  readonly timing?: Partial<Timing>
  /** At this host, for `kaos doctor`. */
  readonly looks?: Readonly<Record<string, Look>>
  /** How the ledger is copied for a backup. */
  readonly snapshot?: Snapshot
  /** Takes Fastify's log lines. */
  readonly logStream?: { write(line: string): void; readonly level?: string }
}

const PREFIX = { prefix: '/api/v1' }

export type App = FastifyInstance

export async function buildApp(rooms: Rooms, options: AppOptions): Promise<App> {
  const { settings, people, ledger, now } = rooms
  const door = openDoor(people, settings)
  const denials = openDenials(rooms)
  const noteDenial = openNoting(rooms.metrics, denials)
  const gateway = openGateway({
    endpoints: options.jobs,
    door,
    local: settings.local,
    log: rooms.log,
    metrics: rooms.metrics,
    noteDenial,
  })
  const app = newFastify(rooms, gateway, options)
  addErrors(app, { noteDenial, settings })
  addValidation(app)
  addTracing(app)
  addFront(app, { draining: options.draining ?? (() => false) })
  addMeasuring(app, rooms.metrics)
  addAuth(app, door, openPressure(settings, rooms.metrics))
  addPressure(app, settings, rooms.metrics)
  addBodies(app, options.timing?.jsonMs ?? TIMING.jsonMs)
  addIdempotency(app, { ledger, now })
  await addOpenapi(app)
  await app.register(auditRoutes, { ...PREFIX, parts: rooms, denials })
  await addRoutes(app, rooms, options)
  app.addHook('preClose', async () => gateway.close())
  return app
}

function newFastify({ settings, metrics }: Rooms, gateway: Gateway, options: AppOptions): App {
  const sockets = { tls: settings.tls, stalled: () => metrics.turnedAway('slow_reader') }
  const app = fastify({
    serverFactory: handler => serverOver(handler, { ...sockets, gateway, timing: options.timing }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    bodyLimit: JSON_MAX,
    exposeHeadRoutes: false,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    return503OnClosing: false,
    frameworkErrors: answerBadUrl,
    routerOptions: { maxParamLength: 512 },
    logger: options.logStream ? loggerTo(options.logStream) : false,
  })
  return app.withTypeProvider<TypeBoxTypeProvider>() as unknown as App
}

/** The same lines as api/log-line.ts writes. */
function loggerTo(stream: NonNullable<AppOptions['logStream']>): FastifyLoggerOptions {
  return {
    level: stream.level ?? 'info',
    stream,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
  } as FastifyLoggerOptions
}

async function addRoutes(app: App, rooms: Rooms, options: AppOptions): Promise<void> {
  const { settings, ledger, workspaces, now } = rooms
  const { jobs } = options
  const uploads = openUploads(ledger, now)
  const care = openCare(rooms)
  const checks = checksOf(rooms, options.checks ?? {})
  await app.register(systemRoutes, {
    installation: ledger.id,
    runner: settings.runner,
    local: settings.local,
    parts: options.parts ?? {},
    notes: async () => [...(options.notes ?? []), ...(await care.notes())],
    checks,
  })
  await app.register(metricsRoutes, rooms)
  await app.register(userRoutes, { ...PREFIX, users: openUsers(ledger, now) })
  await app.register(tokenRoutes, { ...PREFIX, tokens: openTokens(ledger, now) })
  await app.register(workspaceRoutes, {
    ...PREFIX,
    workspaces,
    stopWorkspace: (actor, workspace) => jobs.stopWorkspace(actor, workspace),
    pipelinesOf: workspace => jobs.pipelinesOf(workspace),
  })
  await app.register(proofRoutes, { ...PREFIX, ...rooms })
  await app.register(keySetRoutes, rooms)
  await app.register(workerKeyRoutes, { ...PREFIX, ...rooms })
  await app.register(workerKeySetRoutes, rooms)
  await app.register(uploadRoutes, { ...PREFIX, ...rooms, uploads })
  await app.register(contentRoutes, { ...PREFIX, ...rooms })
  await app.register(bundleRoutes, { ...PREFIX, ...rooms, uploads })
  await app.register(bundleFormRoutes, { ...PREFIX, ...rooms, uploads })
  await app.register(dvcRoutes, rooms)
  await app.register(lfsRoutes, rooms)
  await app.register(repositoryRoutes, { ...PREFIX, ...rooms, uploads })
  await app.register(tagRoutes, { ...PREFIX, ...rooms })
  await app.register(entityRoutes, { ...PREFIX, ...rooms })
  await app.register(async below => options.registerJobRoutes?.(below), PREFIX)
  await app.register(careRoutes, { ...PREFIX, parts: rooms, care })
  const looks = { ...partLooks(rooms, { care, checks }), ...options.looks }
  await app.register(doctorRoutes, { ...PREFIX, now, looks })
  const { snapshot } = options
  if (snapshot) await app.register(backupRoutes, { ...PREFIX, rooms, snapshot })
  await app.register(registryRoutes, { rooms })
}

function checksOf({ ledger, space }: Rooms, others: Record<string, Check>): Record<string, Check> {
  const storage = each(roomCheck(space), others.storage)
  return { ...others, ledger: ledgerCheck(ledger), storage }
}
