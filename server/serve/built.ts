/* What becomes of an endpoint when its build has an outcome. It can be called at any time, again,
 * and after a crash in between. */
import type { NewEdge } from '../../graph/ledger.ts'
import { type Board, carryOut, makeReady, planFor, saveEndpoint } from '../jobs/board.ts'
import { type Held, readPointer, readRecord, retrying, same } from '../jobs/reading.ts'
import { type EndpointRecord, isFinal, type JobRecord, keyOf } from '../jobs/records.ts'
import { planGone } from './off-list.ts'

export async function settleBuilt(board: Board, name: string): Promise<void> {
  await board.turns.take(`endpoint/${name}`, () =>
    retrying(async () => {
      const { ledger } = board.parts
      const held = await readRecord<EndpointRecord>(ledger, keyOf.endpoint(name))
      if (!held || held.value.image !== null) return
      const { workspace, buildJob, imagePointer } = held.value
      const image = await readPointer(ledger, imagePointer)
      if (image !== null) return deploy(board, held, image)
      const build = await readRecord<JobRecord>(ledger, keyOf.job(workspace, buildJob))
      if (build && isFinal(build.value.state)) await neverBuilt(board, held, build.value)
    }),
  )
}

/** The revision is a fact, and its service work that anybody may claim. */
async function deploy(board: Board, held: Held<EndpointRecord>, image: string): Promise<void> {
  const endpoint: EndpointRecord = { ...held.value, image }
  const { name, workspace, author, organisation, model, revision } = endpoint
  const plan = planFor(author, organisation)
  const deployment = board.newId()
  const edges: NewEdge[] = [
    { from: deployment, relation: 'used', to: image, role: 'image' },
    { from: deployment, relation: 'wasInformedBy', to: endpoint.buildJob },
    { from: deployment, relation: 'wasAssociatedWith', to: author },
    { from: revision, relation: 'wasGeneratedBy', to: deployment },
    { from: revision, relation: 'wasAttributedTo', to: author },
  ]
  if (model) edges.push({ from: deployment, relation: 'used', to: model.entity, role: 'model' })
  const attributes = { endpoint: name, source: endpoint.source, model: model?.entity ?? null }
  const resources = { ...endpoint.resources }
  plan.expect.push(same(held))
  plan.statements.push({
    type: 'endpoint.deployed',
    workspace,
    nodes: [
      { id: deployment, class: 'activity', kind: 'deploy', workspace, attributes },
      {
        id: revision,
        class: 'entity',
        kind: 'revision',
        workspace,
        name,
        attributes: { ...attributes, image, resources },
      },
    ],
    edges,
    moves: [{ pointer: `endpoint/${workspace}/${name}`, target: revision }],
  })
  saveEndpoint(board, plan, endpoint)
  const { work: id, buildJob: job, resources: needs } = endpoint
  const work = { kind: 'service', id, workspace, job, endpoint: name, needs } as const
  makeReady(board, plan, work, endpoint.createdAt)
  await carryOut(board, plan)
}

/** Nothing is left of it but its record and the build that tells why. */
async function neverBuilt(
  board: Board,
  held: Held<EndpointRecord>,
  build: JobRecord,
): Promise<void> {
  const how = build.state === 'JOB_KILLED' ? 'was killed' : 'failed'
  const where = `see: kaos serve build-logs -j ${build.id}`
  const reason = `the image could not be built: build job ${build.id} ${how}; ${where}`
  const plan = planFor(board.parts.people.system.id, held.value.organisation)
  plan.expect.push(same(held))
  planGone(board, plan, held.value, { state: 'PIPELINE_FAILURE', reason }, 'endpoint.failed')
  await carryOut(board, plan)
}
