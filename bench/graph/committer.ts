/* A server's part of the commits: a process with a ledger of its own and some clients, who commit jobs
 * until the time is over. Reads its work from the message of its parent, answers what was acknowledged. */
import { newId } from '../../api/ids.ts'
import type { Ledger, NewEdge, NewNode, Statement } from '../../graph/ledger.ts'
import { type CommitRun, type Server, serverLedger } from './commits.ts'
import { ORGANISATION } from './load.ts'

export interface Orders {
  readonly server: Server
  readonly clients: number
  readonly seconds: number
}

/** One job: an activity, five entities, eight edges. */
export function jobOf(user: string, worker: string): Statement {
  const entity = (kind: string): NewNode => ({
    ...{ id: newId(), class: 'entity', kind, workspace: '0'.repeat(32), name: `${kind}:e23a2` },
    attributes: { files: 3, bytes: 123_456, folder: kind },
  })
  const trial: NewNode = { id: newId(), class: 'activity', kind: 'trial', attributes: { exit: 0 } }
  const made = ['model', 'log', 'environment', 'metrics', 'measurements'].map(entity)
  const edges: NewEdge[] = [
    ...made.map(({ id }): NewEdge => ({ from: id, relation: 'wasGeneratedBy', to: trial.id })),
    { from: made[0]!.id, relation: 'wasAttributedTo', to: user },
    { from: trial.id, relation: 'wasAssociatedWith', to: user, role: 'user' },
    { from: trial.id, relation: 'wasAssociatedWith', to: worker, role: 'worker' },
  ]
  return { type: 'trial.succeeded', nodes: [trial, ...made], edges }
}

async function commitAll(ledger: Ledger, { clients, seconds }: Orders): Promise<CommitRun> {
  const [user, worker] = [newId(), newId()]
  const agents = [
    { id: user, class: 'agent' as const, kind: 'user', attributes: {} },
    { id: worker, class: 'agent' as const, kind: 'worker', attributes: {} },
  ]
  const commit = (statement: Statement) =>
    ledger.commit({ actor: user, organisation: ORGANISATION, statements: [statement] })
  await commit({ type: 'agents.added', nodes: agents })
  const latencies: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        const begun = performance.now()
        await commit(jobOf(user, worker))
        latencies.push(performance.now() - begun)
      }
    }),
  )
  return { perSecond: (latencies.length * 1000) / (performance.now() - start), latencies }
}

process.once('message', async (orders: Orders) => {
  const ledger = await serverLedger(orders.server)
  const run = await commitAll(ledger, orders)
  await ledger.close()
  // What is long may not have left yet.
  process.send?.(run, () => process.disconnect())
})
