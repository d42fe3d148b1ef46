/* A serve request becomes facts: what is built, the build if one is needed, and the endpoint with a
 * name of its own. The revision that will serve has its id from the beginning; it is in the ledger
 * once its image is built. */
import type { Actor } from '../../api/actor.ts'
import { sixOf } from '../../api/ids.ts'
import type { ServeAccepted, ServeRequest } from '../../api/wire.ts'
import type { Expectation, NewNode, Node } from '../../graph/ledger.ts'
import { type Board, carryOut, planFor, saveEndpoint, timeOf, traced } from '../jobs/board.ts'
import { type Needed, needImage } from '../jobs/images.ts'
import { madeBefore, noteMade } from '../jobs/once.ts'
import { absent, readRecord, retrying } from '../jobs/reading.ts'
import { type EndpointRecord, type JobRecord, keyOf } from '../jobs/records.ts'
import { rowOf } from '../jobs/rows.ts'
import { findModel } from '../models/find.ts'
import type { Workspace } from '../parts.ts'
import { requireClean } from '../quarantine/clean.ts'
import { findBundle } from '../train/bundles.ts'
import { settleBuilt } from './built.ts'
import { composeSource } from './compose.ts'
import { findEndpoint } from './endpoints.ts'
import { endpointView } from './view.ts'

interface Wish {
  readonly actor: Actor
  readonly workspace: Workspace
  readonly request: ServeRequest
  readonly source: Node
  readonly model: Node | undefined
  /** Record for what this call makes, when it has an Idempotency-Key. */
  readonly once: string | undefined
}

export async function deployEndpoint(
  board: Board,
  actor: Actor,
  workspace: Workspace,
  request: ServeRequest,
  host: string,
  once?: string,
): Promise<ServeAccepted> {
  const { ledger, people, partOf } = board.parts
  const unready = board.workers.require(request.resources ?? {})
  const source = await findBundle(ledger, workspace, 'serve-source', request.source, partOf)
  const model =
    request.model === undefined
      ? undefined
      : await findModel(ledger, workspace, request.model, partOf)
  const wish: Wish = { actor, workspace, request, source, model, once }
  const {
    name,
    build,
    warnings = [],
  } = await board.parts.intake.relying((relied, epoch) =>
    board.turns.take(`submit/${workspace.id}`, () =>
      retrying(() => submit(board, wish, relied, epoch)),
    ),
  )
  await settleBuilt(board, name)
  const endpoint = await findEndpoint(board, workspace, name)
  return {
    endpoint: await endpointView(board.parts, endpoint, host),
    source: `/${endpoint.codeName}`,
    model: endpoint.model?.modelId ?? null,
    build: await rowOf(people, build),
    warnings: [...warnings, ...unready],
  }
}

async function submit(
  board: Board,
  wish: Wish,
  relied: readonly Expectation[],
  epoch: number,
): Promise<{ name: string; build: JobRecord; warnings?: readonly string[] }> {
  const { workspace, actor, once } = wish
  const { ledger, presence } = board.parts
  const made = await madeBefore<{ name: string; build: string }>(ledger, once)
  if (made) {
    const build = await readRecord<JobRecord>(ledger, keyOf.job(workspace.id, made.build))
    return { name: made.name, build: build!.value }
  }
  await presence.require(wish.source, epoch)
  if (wish.model) await presence.require(wish.model, epoch)
  const plan = planFor(actor.id, workspace.organisation, relied)
  const source = await composeSource(board, plan, wish.source, wish.model)
  const image = await needImage(board, plan, workspace, 'serve', source)
  const built = image.image === null ? undefined : await ledger.node(image.image)
  const clean = await requireClean(board.parts, workspace, [wish.source, wish.model, built])
  plan.expect.push(clean.expect)
  const endpoint = await newEndpoint(board, wish, source, image)
  const { name } = endpoint
  plan.expect.push(absent(keyOf.endpoint(name)), absent(keyOf.gone(name)))
  plan.statements.push({
    type: 'serve.submitted',
    workspace: workspace.id,
    detail: {
      endpoint: name,
      source: source.id,
      model: wish.model?.id ?? null,
      build: endpoint.buildJob,
      resources: { ...endpoint.resources },
    },
  })
  saveEndpoint(board, plan, endpoint)
  noteMade(board, plan, once, { name, build: endpoint.buildJob })
  await carryOut(board, plan)
  return { name, build: image.build!, warnings: clean.warnings }
}

async function newEndpoint(
  board: Board,
  { actor, workspace, request, model }: Wish,
  source: NewNode,
  image: Needed,
): Promise<EndpointRecord> {
  const { name, work } = await newName(board, workspace)
  return {
    name,
    workspace: workspace.id,
    workspaceName: workspace.name,
    organisation: workspace.organisation,
    author: actor.id,
    createdAt: timeOf(board),
    state: 'PIPELINE_STARTING',
    reason: null,
    resources: request.resources ?? {},
    source: source.id,
    code: source.digest!,
    codeName: source.name!,
    model: model ? { entity: model.id, modelId: model.name!, digest: model.digest! } : null,
    image: null,
    imageName: image.name,
    imagePointer: image.pointer,
    buildJob: image.build!.id,
    revision: board.newId(),
    work,
    attempt: null,
    attempts: 0,
    traces: [],
    address: null,
    ...traced(),
  }
}

/** Endpoints share one space of addresses, so a name is new in the whole installation. */
async function newName(
  board: Board,
  workspace: Workspace,
): Promise<{ name: string; work: string }> {
  const { ledger } = board.parts
  for (;;) {
    const work = board.newId()
    const name = `serve-${workspace.name}-${sixOf(work)}`
    const taken = await readRecord(ledger, keyOf.endpoint(name))
    const gone = await readRecord(ledger, keyOf.gone(name))
    if (!taken && !gone) return { name, work }
  }
}
