/* What was checked out and changed: the new job was informed by the one that it came from, and each
 * bundle that is another than there was derived from the one there. */
import type { Ledger, NewEdge } from '../../graph/ledger.ts'
import type { Board, Plan } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type JobRecord, keyOf } from '../jobs/records.ts'

export async function planBranch(
  board: Board,
  plan: Plan,
  { id, workspace, train }: JobRecord,
  from: string,
): Promise<void> {
  const { ledger } = board.parts
  const edges: NewEdge[] = [{ from: id, relation: 'wasInformedBy', to: from }]
  const before = (await readRecord<JobRecord>(ledger, keyOf.job(workspace, from)))?.value.train
  for (const part of ['source', 'data'] as const) {
    const [now, then] = [train?.[part], before?.[part]]
    if (!now || !then || !(await isNews(ledger, now, then))) continue
    edges.push({ from: now, relation: 'wasDerivedFrom', to: then, role: 'revision' })
  }
  plan.statements.push({ type: 'train.branched', workspace, edges })
}

/** Not when the graph says so already, nor for what was there before that which it would come from:
 * somebody may go back to an older bundle. Ids sort by birth. */
async function isNews(ledger: Ledger, now: string, then: string): Promise<boolean> {
  if (now <= then) return false
  const options = { direction: 'up', depth: 1, relations: ['wasDerivedFrom'] } as const
  const { edges } = await ledger.lineage(now, options)
  return !edges.some(({ from, to }) => from === now && to === then)
}
