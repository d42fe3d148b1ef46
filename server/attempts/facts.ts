/** Nodes that several outcomes have in common: the log of an attempt, what a program ran in. */
import type { Environment, Report } from '../../api/attempts.ts'
import { canonical, wellFormed } from '../../api/canonical.ts'
import type { Digest } from '../../api/digest.ts'
import type { Json, NewEdge, NewNode } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import type { Board } from '../jobs/board.ts'
import type { AttemptRecord, Trace } from '../jobs/records.ts'
import type { Ending } from './verdict.ts'

export { wellFormed }

/** What one outcome adds to the graph. */
export interface Facts {
  readonly nodes: NewNode[]
  readonly edges: NewEdge[]
}

export function traceOf(attempt: AttemptRecord, ending: Ending): Trace {
  const { id, number, worker } = attempt
  return {
    attempt: id,
    number,
    worker,
    state: ending.state,
    reason: ending.reason,
    log: ending.log,
    ...(ending.measurements && { measurements: ending.measurements }),
    ...(ending.metrics && { metrics: ending.metrics }),
  }
}

/** Log, measurements and metrics as entities: they stay fetchable whatever came of the attempt. */
export function addJournals(
  board: Board,
  facts: Facts,
  attempt: AttemptRecord,
  ending: Ending,
): void {
  for (const kind of ['log', 'measurements', 'metrics'] as const) {
    const file = ending[kind]
    if (!file) continue
    facts.nodes.push({
      id: board.newId(),
      class: 'entity',
      kind,
      workspace: attempt.work.workspace,
      digest: file.digest,
      attributes: { attempt: attempt.id, number: attempt.number, size: file.size },
    })
  }
}

/** The environment as an entity, the same one for the same content; answers its id and digest. */
export async function environmentEntity(
  board: Board,
  facts: Facts,
  attempt: AttemptRecord,
  environment: Environment,
): Promise<{ id: string; digest: Digest }> {
  const { ledger, store } = board.parts
  const { organisation } = attempt
  const { workspace } = attempt.work
  const text = canonical(wellFormed(environment as Json))
  const { digest } = await putBytes(store, Buffer.from(text))
  const query = { organisation, workspace, kind: 'environment', digest, limit: 1 }
  const [known] = await ledger.nodes(query)
  if (known) return { id: known.id, digest }
  const node: NewNode = {
    id: board.newId(),
    class: 'entity',
    kind: 'environment',
    workspace,
    digest,
    attributes: mainFacts(wellFormed(environment as Json) as Environment),
  }
  facts.nodes.push(node)
  return { id: node.id, digest }
}

const FACTS_MAX = 32
const TEXT_MAX = 200

/** What is short enough to be read in a listing. */
function mainFacts(environment: Environment): Record<string, Json> {
  const short = Object.entries(environment).filter(([, value]) => {
    if (typeof value === 'string') return value.length <= TEXT_MAX
    return typeof value === 'boolean' || Number.isFinite(value)
  })
  return Object.fromEntries(short.slice(0, FACTS_MAX)) as Record<string, Json>
}

/** How it ran, for the attributes of an activity. */
export function courseOf(
  attempt: AttemptRecord,
  ending: Ending,
  report?: Report,
): Record<string, Json> {
  const course: Record<string, Json> = {
    attempt: attempt.id,
    number: attempt.number,
    worker: attempt.worker,
    runner: attempt.runner,
    reason: ending.reason,
    ...(ending.log && { log: ending.log.digest }),
    ...(ending.measurements && { measurements: ending.measurements.digest }),
    ...(ending.metrics && { metricHistory: ending.metrics.digest }),
  }
  if (report) {
    course.startedAt = report.startedAt
    course.finishedAt = report.finishedAt
    if (report.exit !== undefined) course.exit = report.exit
    if (report.outOfMemory !== undefined) course.outOfMemory = report.outOfMemory
    if (report.usage) course.usage = { ...report.usage }
  }
  return course
}

/** Milliseconds that it ran. */
export function ranMs(report: Report | undefined): number {
  if (!report) return 0
  return Math.max(0, Date.parse(report.finishedAt) - Date.parse(report.startedAt)) || 0
}
