/* The ledger in one file. One connection writes and answers short questions, on the main thread;
 * long questions are answered by threads with connections of their own. */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { KaosError } from '../../api/errors.ts'
import { rootOf } from '../../api/merkle.ts'
import { checkCommit } from '../commit.ts'
import { keepCopy } from '../keep-copy.ts'
import type { Graph, Ledger, LineageQuery } from '../ledger.ts'
import { type Database, ledgerError, makeDurable, openDatabase } from './database.ts'
import { smallLineageOf } from './lineage.ts'
import { readLog } from './log.ts'
import { findNode, findNodes } from './nodes.ts'
import { type PackedEdges, type PackedNodes, Unpacking } from './packed.ts'
import { findPointers } from './pointers.ts'
import { findRecords } from './records.ts'
import { migrate, olderIn, type Step } from './schema.ts'
import { snapshotSqlite } from './snapshot.ts'
import { loadState } from './state.ts'
import { type Thread, threadOver } from './thread.ts'
import { openWriter } from './writer.ts'

export interface SqliteOptions {
  /** The clock, ms since 1970. */
  readonly now?: () => number
  /** Told how many commits shared a transaction. */
  readonly onGroup?: (size: number) => void
  /** How an older file becomes one of today, for tests of just that. */
  readonly steps?: readonly Step[]
}

/** Opens the ledger in this file, and makes it if there is none. The folder must be there. */
export async function openSqliteLedger(
  file: string,
  { now = Date.now, steps, onGroup }: SqliteOptions = {},
): Promise<Ledger> {
  const database = await openFile(file, steps)
  const writer = openWriter(database, now, onGroup)
  const threads = threadsOver(file)
  let closed: Promise<void> | undefined

  /** Answers on the main thread, in our errors. */
  function answerTo<T>(question: () => T): T {
    requireOpen()
    try {
      return question()
    } catch (error) {
      throw ledgerError(error)
    }
  }

  async function read<T>(question: () => T): Promise<T> {
    return answerTo(question)
  }

  function requireOpen(): void {
    if (closed) throw new KaosError('UNAVAILABLE', 'the ledger is closed')
  }

  return {
    id: database.sql('SELECT id FROM meta').get()?.id as string,
    commit: async commit => writer.commit(checkCommit(commit)),
    node: id => read(() => findNode(database, id)),
    nodes: query => read(() => findNodes(database, query)),
    pointers: (prefix, options) => read(() => findPointers(database, prefix, options)),
    records: (prefix, options = {}) => read(() => findRecords(database, prefix, options, now())),
    log: (from, limit, options) => read(() => readLog(database, from, limit, options)),
    head: () => read(() => headOf(database)),
    async lineage(id, query) {
      requireBounds(query)
      const small = answerTo(() => smallLineageOf(database, id, query))
      return small ? unpackedAtOnce(small) : threads.lineage(id, query)
    },
    async verify() {
      requireOpen()
      return threads.verify()
    },
    close() {
      closed ??= (async () => {
        writer.close()
        await threads.end()
        database.close()
      })()
      return closed
    },
  }
}

async function openFile(file: string, steps: readonly Step[] | undefined): Promise<Database> {
  const database = open(file)
  try {
    makeDurable(database, file)
    const older = olderIn(database, file, steps)
    if (older !== undefined) await keepCopy(older, dirname(file), to => snapshotSqlite(file, to))
    migrate(database, file, steps)
    return database
  } catch (cause) {
    database.close()
    throw notOpened(file, cause)
  }
}

function open(file: string): Database {
  try {
    // SQLite gives its other files the same mode.
    closeSync(openSync(file, 'a', 0o600))
    return openDatabase(file)
  } catch (cause) {
    throw notOpened(file, cause)
  }
}

function notOpened(file: string, cause: unknown): KaosError {
  const error = ledgerError(cause)
  if (error === cause) return error
  const why = cause instanceof Error ? cause.message : String(cause)
  return new KaosError(error.code, `the ledger ${file} can not be opened: ${why}`, { cause })
}

function headOf(database: Database) {
  const state = loadState(database)
  return { size: state.size, root: rootOf(state).toString('hex') }
}

function requireBounds({ depth, limit, asOf }: LineageQuery): void {
  for (const bound of [depth, limit, asOf]) {
    if (bound === undefined || (Number.isSafeInteger(bound) && bound >= 0)) continue
    throw new KaosError('BAD_REQUEST', `${bound} is no depth, limit or number of a statement`)
  }
}

function unpackedAtOnce({ nodes, end }: { nodes: PackedNodes; end: PackedEdges }): Promise<Graph> {
  const graph = new Unpacking()
  graph.add(nodes)
  return graph.end(end, turn)
}

/** Unpacks each part in a turn of the event loop of its own. */
async function unpackedGraph(
  ask: (part: (part: unknown) => void) => Promise<unknown>,
): Promise<Graph> {
  const graph = new Unpacking()
  let before: Promise<void> = Promise.resolve()
  const end = await ask(part => {
    before = before.then(() => {
      graph.add(part as PackedNodes)
      return turn()
    })
    // It is awaited later, or not at all.
    before.catch(() => {})
  })
  try {
    await before
    return await graph.end(end as PackedEdges, turn)
  } catch (error) {
    throw ledgerError(error)
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** One thread stays for lineage; each verification has its own, so that it holds up nobody. */
function threadsOver(file: string) {
  const lineage = threadOver(file)
  const verifying = new Set<Thread>()
  return {
    lineage: (id: string, query: LineageQuery) =>
      unpackedGraph(part => lineage.ask({ ask: 'lineage', id, query }, part)),
    async verify(): Promise<string[]> {
      const thread = threadOver(file)
      verifying.add(thread)
      try {
        return (await thread.ask({ ask: 'verify' })) as string[]
      } finally {
        verifying.delete(thread)
        await thread.end()
      }
    },
    async end(): Promise<void> {
      await Promise.all([lineage, ...verifying].map(thread => thread.end()))
    },
  }
}
