/* The ledger from outside: how long commits take, how they end, how many share one sync. */
import { isKaosError } from '../../api/errors.ts'
import { spanned } from '../../api/tracing/tracing.ts'
import type { Commit, Ledger, Receipt } from '../../graph/ledger.ts'
import { Counter, Gauge, Histogram } from './families.ts'
import { inTime } from './in-time.ts'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

export function ledgerFamilies() {
  const commits = new Counter({
    name: 'kaos_ledger_commits',
    help: 'Commits of the ledger: ok, refused (an expectation did not hold, or not valid), failed',
    labels: ['outcome'],
  })
  const duration = new Histogram({
    name: 'kaos_ledger_commit_duration_seconds',
    help: 'Until a commit is durable',
    bounds: SECONDS,
  })
  const groups = new Histogram({
    name: 'kaos_ledger_group_commits',
    help: 'Commits that shared one transaction',
    bounds: SIZES,
  })
  const statements = new Gauge({
    name: 'kaos_ledger_statements',
    help: 'Statements in the log',
  })

  async function commit(ledger: Ledger, what: Commit): Promise<Receipt> {
    const began = performance.now()
    try {
      const receipt = await spanned('ledger commit', {}, () => ledger.commit(what))
      commits.add(['ok'])
      return receipt
    } catch (error) {
      commits.add([isKaosError(error) && error.status < 500 ? 'refused' : 'failed'])
      throw error
    } finally {
      duration.observe((performance.now() - began) / 1000)
    }
  }

  return {
    families: [commits, duration, groups, statements],
    observed: {
      /** For the ledger's options. */
      onGroup: (size: number) => groups.observe(size),
      /** The same ledger, its commits counted. */
      over: (ledger: Ledger): Ledger => ({ ...ledger, commit: what => commit(ledger, what) }),
    },
    async look(ledger: Pick<Ledger, 'head'> | undefined): Promise<void> {
      const head = await inTime(async () => ledger?.head())
      statements.set(head?.size ?? Number.NaN)
    },
  }
}
