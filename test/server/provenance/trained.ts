/* Trainings that differ in what a test says, over a server whose worker does what it is told. */
import type { BundleView, ModelView, ServeAccepted, TrainAccepted } from '../../../api/wire.ts'
import { DATA, type Files, type Scripted, SERVE, SOURCE } from '../jobs/scripted.ts'

export interface Recipe {
  /** Names of the folders; absent: `mnist` and `features`. */
  readonly names?: readonly [code: string, data: string]
  readonly source?: Files
  readonly data?: Files
  readonly hyperparams?: object
  readonly metrics?: object
  readonly environment?: object
}

export interface Trained {
  readonly accepted: TrainAccepted
  readonly job: string
  readonly source: BundleView
  readonly data: BundleView
  /** The last of the job's models. */
  readonly model: ModelView
}

/** Sends what differs, builds where that is needed, runs every trial. */
export async function trained(server: Scripted, recipe: Recipe = {}): Promise<Trained> {
  const [code, folder] = recipe.names ?? ['mnist', 'features']
  const source = await server.bundle('train-source', code, recipe.source ?? SOURCE)
  const data = await server.bundle('data', folder, recipe.data ?? DATA)
  const { hyperparams } = recipe
  const accepted = await server.train({
    source: source.id,
    data: data.id,
    again: true,
    ...(hyperparams && { hyperparams }),
  })
  if (accepted.build) await server.build()
  const points = accepted.grid?.points.length ?? 1
  for (let point = 0; point < points; point++) await endTrial(server, recipe)
  const model = await server.ask<ModelView>('GET', '/workspaces/mnist/models/@latest')
  return { accepted, job: accepted.job!.jobId, source, data, model }
}

async function endTrial(server: Scripted, { metrics, environment }: Recipe): Promise<void> {
  const order = await server.claimed(['trial'])
  const output = await server.sendTree(order, {
    model: { 'model.pkl': `model of ${order.attempt}` },
    metrics: { 'metrics.json': JSON.stringify(metrics ?? { accuracy: 0.9 }) },
  })
  const log = await server.sendFile(order, 'trained\n')
  const facts = { python: '3.12.1', packages: { numpy: '2.1.0' }, ...environment }
  const answer = await server.report(order, { exit: 0, output, log, environment: facts })
  if (answer.statusCode !== 200) throw new Error(answer.body)
}

/** Deploys a model, and has its image built if that is needed. */
export async function served(server: Scripted, model: string): Promise<string> {
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  const body = { source: source.id, model }
  const made = await server.ask<ServeAccepted>('POST', '/workspaces/mnist/serve', body)
  const build = await server.claim(['build'])
  if (build) await server.endBuild(build)
  return made.endpoint.name
}

/** A folder as the next version of a repository; answers what the server said. */
export async function pushed(
  server: Scripted,
  kind: 'data' | 'model',
  folder: string,
  files: Files,
  more: object = {},
) {
  const sent = await server.bundle('data', 'carrier', files)
  const { upload } = await server.ask<{ upload: string }>('POST', '/workspaces/mnist/uploads', {})
  const body = { upload, kind, folder, tree: sent.tree, ...more }
  return server.call('POST', '/workspaces/mnist/repositories', body)
}
