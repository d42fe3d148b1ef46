/* All that came of a hub, in one answer: a process with a ledger of its own, as a server is, whose event
 * loop is watched meanwhile. The graph that the bench has in memory is not in its way. Reads its work from
 * the message of its parent, answers what was seen. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from '../../graph/ledger.ts'
import { type Server, serverLedger } from './commits.ts'

export interface WalkOrders {
  readonly server: Server
  /** Id of the hub. */
  readonly hub: string
}

/** All descendants of a hub. */
export interface Walk {
  readonly nodes: number
  readonly ms: number
  /** The longest turn of the event loop meanwhile, ms: by the clock, and of CPU. On a busy machine the
   * first counts also what others had the core for. */
  readonly blockedMs: number
  readonly blockedCpuMs: number
}

async function walkHub(ledger: Ledger, hub: string): Promise<Walk> {
  await sleep(100)
  let last = performance.now()
  let cpu = threadCpuMs()
  let [blockedMs, blockedCpuMs] = [0, 0]
  let over = false
  const look = (): void => {
    const [now, used] = [performance.now(), threadCpuMs()]
    blockedMs = Math.max(blockedMs, now - last)
    blockedCpuMs = Math.max(blockedCpuMs, used - cpu)
    last = now
    cpu = used
  }
  const tick = (): void => {
    look()
    if (!over) setImmediate(tick)
  }
  setImmediate(tick)
  const start = performance.now()
  const { nodes } = await ledger.lineage(hub, { direction: 'down', limit: 1_000_000 })
  const ms = performance.now() - start
  over = true
  look()
  return { nodes: nodes.length, ms, blockedMs, blockedCpuMs }
}

/** CPU time of this thread. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

process.once('message', async ({ server, hub }: WalkOrders) => {
  const ledger = await serverLedger(server)
  const walk = await walkHub(ledger, hub)
  await ledger.close()
  process.send?.(walk, () => process.disconnect())
})
