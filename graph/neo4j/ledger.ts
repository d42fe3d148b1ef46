/* The ledger in a Neo4j database (5.26 LTS and the 2026 line), which several servers may share. */
import { KaosError } from '../../api/errors.ts'
import { rootOf } from '../../api/merkle.ts'
import { checkCommit } from '../commit.ts'
import { keepCopy, type Older } from '../keep-copy.ts'
import type { Ledger } from '../ledger.ts'
import type { Thread } from '../sqlite/thread.ts'
import { batchWriterOver, stateOf } from './batch.ts'
import { type Ask, connect, type Neo4jPlace } from './connection.ts'
import { lineageOf } from './lineage.ts'
import { namesWith } from './names.ts'
import { findNode, findNodes, findPointers, findRecords, readLog } from './questions.ts'
import { migrate, type Step } from './schema.ts'
import { snapshotNeo4j } from './snapshot.ts'
import { findDifferences } from './verify.ts'
import { openWriter } from './writer.ts'

export interface Neo4jOptions {
  /** The clock, ms since 1970. */
  readonly now?: () => number
  /** Letters before every label: ledgers of tests that share a database. */
  readonly prefix?: string
  /** Told how many commits shared a transaction. */
  readonly onGroup?: (size: number) => void
  /** Where a copy is kept before an older ledger is brought to today's schema. */
  readonly keepIn?: string
  /** How an older ledger becomes one of today, for tests of just that. */
  readonly steps?: readonly Step[]
}

/** Opens the ledger in this database, and makes it if there is none. CONFIGURATION when the database
 * does not answer or refuses user and password. */
export async function openNeo4jLedger(
  place: Neo4jPlace,
  { now = Date.now, prefix = '', keepIn, steps, onGroup }: Neo4jOptions = {},
): Promise<Ledger> {
  const connection = await connect(place)
  const names = namesWith(prefix)
  const keep = (older: Older) =>
    keepCopy(older, keepIn ?? '.', to => snapshotNeo4j(place, to, { prefix, now }))
  const id = await migrate(connection, names, { steps, ...(keepIn && { keep }) }).catch(
    async error => {
      await connection.close()
      throw error
    },
  )
  const writer = openWriter(batchWriterOver(connection, names, now), undefined, onGroup)
  const judges = new Set<Thread>()
  let closed: Promise<void> | undefined

  const ask: Ask = async (text, parameters) => {
    requireOpen()
    return connection.read(text, parameters)
  }

  function requireOpen(): void {
    if (closed) throw new KaosError('UNAVAILABLE', 'the ledger is closed')
  }

  return {
    id,
    commit: async commit => writer.commit(checkCommit(commit)),
    node: id => findNode(ask, names, id),
    nodes: query => findNodes(ask, names, query),
    pointers: (beginning, options) => findPointers(ask, names, beginning, options),
    records: (beginning, options = {}) => findRecords(ask, names, beginning, options, now()),
    log: (from, limit, options) => readLog(ask, names, from, limit, options),
    async head() {
      const [row] = await ask(
        `MATCH (h:${names.head} {one: 1})
         RETURN h.size AS size, h.peaks AS peaks, h.at AS at, h.version AS version`,
      )
      const state = stateOf(row!)
      return { size: state.size, root: rootOf(state).toString('hex') }
    },
    lineage: (id, query) => lineageOf(ask, names, id, query),
    async verify() {
      requireOpen()
      let judge: Thread | undefined
      try {
        return await findDifferences(ask, names, thread => {
          judge = thread
          judges.add(thread)
        })
      } finally {
        if (judge) judges.delete(judge)
      }
    },
    close() {
      closed ??= (async () => {
        await writer.close()
        await Promise.all([...judges].map(judge => judge.end()))
        await connection.close()
      })()
      return closed
    },
  }
}
