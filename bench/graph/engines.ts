/* A generated graph in a back end, ready to be asked: by the ledger, and by hand. */
import { existsSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Ledger } from '../../graph/ledger.ts'
import type { Neo4jPlace } from '../../graph/neo4j/connection.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { removeAll } from '../../test/graph/neo4j-sweep.ts'
import { bareNeo4jJobs, bareSqliteJobs, type CommitRun, ledgerJobs, walkedBy } from './commits.ts'
import type { Made } from './generate.ts'
import { loadNeo4j, loadSqlite, logSize } from './load.ts'
import { type Asker, askerOf, bareNeo4j, bareSqlite } from './questions.ts'
import type { Walk } from './walker.ts'

export interface Opened {
  readonly ledger: Ledger
  readonly ours: Asker
  readonly byHand: Asker
  close(): Promise<void>
}

export interface Engine {
  readonly name: 'SQLite' | 'Neo4j'
  /** Of a pair of goals: SQLite's, Neo4j's. */
  readonly column: 0 | 1
  readonly made: Made
  /** Whether an earlier run has left this graph, whole. */
  isThere(): Promise<boolean>
  load(): Promise<void>
  open(): Promise<Opened>
  /** Jobs a second, committed by 32 clients: through the ledger, and by hand. */
  commits(seconds: number): Promise<{ ours: CommitRun; byHand: CommitRun }>
  /** All descendants of the first hub, in one answer. */
  walk(): Promise<Walk>
  remove(): Promise<void>
}

export function sqliteEngine(made: Made, file: string): Engine {
  return {
    name: 'SQLite',
    column: 0,
    made,
    isThere: async () => existsSync(file) && isLoaded(await openSqliteLedger(file), made),
    async load() {
      await loadSqlite(made, file)
      console.log(`SQLite: ${(statSync(file).size / 1e6).toFixed(0)} MB`)
    },
    async open() {
      const ledger = await openSqliteLedger(file)
      const byHand = bareSqlite(file)
      const close = async () => {
        byHand.close()
        await ledger.close()
      }
      return { ledger, ours: askerOf(ledger), byHand, close }
    },
    async commits(seconds) {
      const ours = await ledgerJobs([{ sqlite: file }], seconds)
      const bare = `${file}-by-hand`
      const byHand = await bareSqliteJobs(bare, seconds)
      await removeDatabase(bare)
      return { ours, byHand }
    },
    walk: () => walkedBy({ server: { sqlite: file }, hub: firstHub(made) }),
    remove: () => removeDatabase(file),
  }
}

export function neo4jEngine(made: Made, place: Neo4jPlace, prefix: string): Engine {
  return {
    name: 'Neo4j',
    column: 1,
    made,
    isThere: async () => isLoaded(await openNeo4jLedger(place, { prefix }), made),
    load: () => loadNeo4j(made, place, prefix),
    async open() {
      const ledger = await openNeo4jLedger(place, { prefix })
      const byHand = bareNeo4j(place, prefix)
      const close = async () => {
        await byHand.close()
        await ledger.close()
      }
      return { ledger, ours: askerOf(ledger), byHand, close }
    },
    async commits(seconds) {
      const server = { neo4j: place, prefix }
      const ours = await ledgerJobs([server, server], seconds)
      return { ours, byHand: await bareNeo4jJobs(place, prefix, seconds) }
    },
    walk: () => walkedBy({ server: { neo4j: place, prefix }, hub: firstHub(made) }),
    remove: () => removeAll(place, prefix),
  }
}

function firstHub({ nodes, hubs }: Made): string {
  return nodes[hubs[0]!]!.id
}

async function removeDatabase(file: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(file + end, { force: true })
}

/** The length of the log is what loading writes last. */
async function isLoaded(ledger: Ledger, made: Made): Promise<boolean> {
  const { size } = await ledger.head()
  await ledger.close()
  return size >= logSize(made.nodes.length)
}
