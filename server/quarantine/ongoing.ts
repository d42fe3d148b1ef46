/* What goes on with quarantined content: endpoints that serve it, jobs that work on it. They are told,
 * and stopped when that was asked for. */
import { isKaosError } from '../../api/errors.ts'
import type { Ongoing } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { type Killing, killJob } from '../jobs/kill.ts'
import { readRecord, recordsOf } from '../jobs/reading.ts'
import { type EndpointRecord, type JobRecord, keyOf } from '../jobs/records.ts'
import { killEndpoint } from '../serve/kill.ts'
import { type Marks, marksOf } from './marks.ts'
import { reasonOf, taintOf } from './taint.ts'

/** Why an endpoint's content is quarantined; undefined when it is not. */
export async function endpointTaint(
  board: Board,
  { organisation, source, model, image }: EndpointRecord,
  marks: Marks,
): Promise<string | undefined> {
  return reasonAmong(board, organisation, [model?.entity, source, image], marks)
}

/** All of an organisation. `killing`: stop them. */
export async function ongoing(
  board: Board,
  organisation: string,
  killing: Killing | undefined,
): Promise<Ongoing[]> {
  const marks = await marksOf(board.parts.ledger, organisation)
  const found: Ongoing[] = []
  for (const endpoint of [...board.endpoints.values()]) {
    if (endpoint.organisation !== organisation) continue
    if ((await endpointTaint(board, endpoint, marks)) === undefined) continue
    const { name, workspaceName: workspace } = endpoint
    const stopped = await ended(killing, by => killEndpoint(board, name, by))
    found.push({ workspace, name, kind: 'endpoint', stopped })
  }
  for await (const job of openJobs(board, organisation)) {
    if ((await jobTaint(board, job, marks)) === undefined) continue
    const stopped = await ended(killing, by => killJob(board, job, by))
    found.push({ workspace: job.workspaceName, name: job.id, kind: 'job', stopped })
  }
  return found
}

function jobTaint(board: Board, { organisation, train, build, ingest }: JobRecord, marks: Marks) {
  const inputs = [train?.source, train?.data, train?.hyper, train?.image]
  return reasonAmong(board, organisation, [...inputs, build?.source, ingest?.manifest], marks)
}

async function reasonAmong(
  { parts }: Board,
  organisation: string,
  ids: readonly (string | null | undefined)[],
  marks: Marks,
): Promise<string | undefined> {
  if (marks.size === 0) return undefined
  for (const id of ids) {
    const node: Node | undefined = id ? await parts.ledger.node(id) : undefined
    const taint = node && (await taintOf(parts.ledger, organisation, node, marks))
    if (node && taint) return reasonOf(parts, node, taint)
  }
  return undefined
}

async function* openJobs({ parts }: Board, organisation: string): AsyncGenerator<JobRecord> {
  for await (const { key } of recordsOf<object>(parts.ledger, 'open/')) {
    const [, workspace = '', id = ''] = key.split('/')
    const job = await readRecord<JobRecord>(parts.ledger, keyOf.job(workspace, id))
    if (job?.value.organisation === organisation) yield job.value
  }
}

/** Whether it was stopped; what ended by itself meanwhile was not. */
async function ended(
  killing: Killing | undefined,
  kill: (killing: Killing) => Promise<unknown>,
): Promise<boolean> {
  if (!killing) return false
  try {
    await kill(killing)
    return true
  } catch (error) {
    if (isKaosError(error, 'JOB_NOT_RUNNING')) return false
    throw error
  }
}
