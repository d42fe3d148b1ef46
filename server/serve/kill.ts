/** Ending an endpoint. Its record, its log and its facts stay. */
import { KaosError } from '../../api/errors.ts'
import { type Board, carryOut, planFor, takeBack } from '../jobs/board.ts'
import { type Killing, killJob } from '../jobs/kill.ts'
import { readPointer, readRecord, retrying, same } from '../jobs/reading.ts'
import { type EndpointRecord, isFinal, type JobRecord, keyOf } from '../jobs/records.ts'
import { planGone } from './off-list.ts'

/** The endpoint as it stands afterwards. Its service is asked to stop; nobody is led to it any more. */
export async function killEndpoint(
  board: Board,
  name: string,
  killing: Killing,
): Promise<EndpointRecord> {
  const gone = await board.turns.take(`endpoint/${name}`, () =>
    retrying(() => take(board, name, killing)),
  )
  if (gone.image === null) await stopBuildFor(board, gone, killing)
  return gone
}

async function take(board: Board, name: string, { by, reason }: Killing): Promise<EndpointRecord> {
  const { ledger } = board.parts
  const held = await readRecord<EndpointRecord>(ledger, keyOf.endpoint(name))
  if (!held) {
    throw new KaosError('JOB_NOT_RUNNING', `endpoint ${name} does not run any more`)
  }
  const endpoint = held.value
  const plan = planFor(by, endpoint.organisation)
  plan.expect.push(same(held))
  const { work: id, workspace, buildJob: job, attempt } = endpoint
  const work = { kind: 'service', id, workspace, job, endpoint: name } as const
  takeBack(board, plan, work, endpoint.createdAt)
  if (attempt !== null) plan.after.push(() => board.live.askToStop(attempt))
  const gone = planGone(
    board,
    plan,
    endpoint,
    { state: 'PIPELINE_KILLED', reason },
    'endpoint.killed',
  )
  const pointer = `endpoint/${workspace}/${name}`
  const revision = await readPointer(ledger, pointer)
  if (revision !== null) {
    plan.statements.push({
      type: 'endpoint.removed',
      workspace,
      moves: [{ pointer, target: null }],
    })
  }
  await carryOut(board, plan)
  return gone
}

/** A build that nobody else waits for ends with its endpoint. */
async function stopBuildFor(board: Board, gone: EndpointRecord, killing: Killing): Promise<void> {
  const { workspace, buildJob } = gone
  if ([...board.endpoints.values()].some(one => one.buildJob === buildJob)) return
  const key = keyOf.job(workspace, buildJob)
  const build = await readRecord<JobRecord>(board.parts.ledger, key)
  if (!build || isFinal(build.value.state)) return
  try {
    await killJob(board, { workspace, id: buildJob }, killing)
  } catch (error) {
    // It ended in the meantime.
    if (!(error instanceof KaosError) || error.code !== 'JOB_NOT_RUNNING') throw error
  }
}
