/* One commit, inside the transaction that the writer opened. It throws when the commit can not be; the
 * writer then rolls back what it began. */
import { randomBytes } from 'node:crypto'
import { KaosError } from '../../api/errors.ts'
import { append } from '../../api/merkle.ts'
import type { CheckedCommit, CheckedRecord, CheckedStatement } from '../commit.ts'
import type { Expectation, NewEdge, Receipt } from '../ledger.ts'
import { leafOf, SALT_BYTES } from '../payload.ts'
import { allows } from '../prov.ts'
import type { Database } from './database.ts'
import { erase } from './erase.ts'
import { type Found, type Origin, type Projection, projectionOf } from './projection.ts'
import type { State } from './state.ts'

const ADD_STATEMENT = 'INSERT INTO statement (seq, at, salt, leaf, payload) VALUES (?, ?, ?, ?, ?)'

// An expired record is swept before the first commit of a batch sees it, but a batch sweeps only so
// many: the condition makes the rest absent too.
const VERSION_OF =
  'SELECT version FROM record WHERE key = :key AND (expires IS NULL OR expires > :now)'

const WRITE_RECORD = `INSERT INTO record (key, value, version, expires)
  VALUES (:key, :value, :version, :expires)
  ON CONFLICT (key) DO UPDATE
  SET value = excluded.value, version = excluded.version, expires = excluded.expires`

const TARGET_OF = 'SELECT target FROM pointer WHERE name = ? AND to_seq IS NULL'

export interface Applied {
  readonly receipt: Receipt
  readonly state: State
}

/** Applies commits to the log that stands as `state` says. `now` decides which records are gone. */
export function applierOf(database: Database) {
  const projection = projectionOf(database, 'main')

  return (commit: CheckedCommit, before: State, now: number): Applied => {
    for (const expectation of commit.expect) requireHolds(database, expectation, now)
    const { organisation } = commit
    const origins = commit.statements.map((_, i): Origin => {
      return { seq: before.size + i, at: before.at, organisation }
    })
    project(projection, commit, origins)
    commit.statements.forEach(({ erases }, i) => {
      for (const erasure of erases) erase(database, erasure, origins[i]!.seq)
    })
    const logged = appendToLog(database, commit.statements, before)
    const { state, versions } = writeRecords(database, commit.records, logged)
    const at = new Date(before.at).toISOString()
    return { state, receipt: { seqs: origins.map(origin => origin.seq), at, versions } }
  }
}

function requireHolds(database: Database, expectation: Expectation, now: number): void {
  if ('pointer' in expectation) {
    const row = database.sql(TARGET_OF).get(expectation.pointer)
    const found = row === undefined ? null : (row.target as string)
    if (found === expectation.target) return
    throw unexpected(`pointer ${expectation.pointer}`, expectation, found)
  }
  const row = database.sql(VERSION_OF).get({ key: expectation.record, now })
  const found = row === undefined ? 0 : (row.version as number)
  if (found === expectation.version) return
  throw unexpected(`record ${expectation.record}`, expectation, found)
}

function unexpected(what: string, expectation: Expectation, found: string | number | null) {
  const message = `${what} was changed by somebody else; read it and try again`
  return new KaosError('CONFLICT', message, { detail: { expected: expectation, found } })
}

/** All nodes first: an edge may name a node of a later statement of its commit. */
function project(projection: Projection, commit: CheckedCommit, origins: readonly Origin[]): void {
  const { statements } = commit
  const known = new Map<string, Found | undefined>()
  statements.forEach(({ nodes }, i) => {
    for (const node of nodes) {
      const added = projection.addNode(node, origins[i]!)
      if (added !== undefined) known.set(node.id, added)
    }
  })
  const find = finderOf(projection, known)
  if (find(commit.actor)?.class !== 'agent') {
    throw refusal(`the actor ${commit.actor} is no agent of the graph or of this commit`)
  }
  statements.forEach(({ edges, moves }, i) => {
    for (const edge of edges) addEdge(projection, edge, find, origins[i]!)
    for (const move of moves) projection.move(move, origins[i]!)
  })
}

/** Looks each node that the commit names up once, and those not that it added. */
function finderOf(projection: Projection, known: Map<string, Found | undefined>) {
  return (id: string): Found | undefined => {
    if (!known.has(id)) known.set(id, projection.find(id))
    return known.get(id)
  }
}

function addEdge(
  projection: Projection,
  edge: NewEdge,
  find: (id: string) => Found | undefined,
  origin: Origin,
): void {
  const [from, to] = [find(edge.from), find(edge.to)]
  if (from === undefined || to === undefined) {
    const missing = from === undefined ? edge.from : edge.to
    throw refusal(`edge ${edge.relation} names node ${missing}, which is not there`)
  }
  if (!allows(edge.relation, from.class, to.class)) {
    throw refusal(`${edge.relation} can not lead from an ${from.class} to an ${to.class}`)
  }
  projection.addEdge(edge, from, to, origin)
}

function appendToLog(
  database: Database,
  statements: readonly CheckedStatement[],
  before: State,
): State {
  const time = new Date(before.at).toISOString()
  let state = before
  for (const statement of statements) {
    const { size: seq, at } = state
    const salt = randomBytes(SALT_BYTES)
    const payload = statement.payload(seq, time)
    const leaf = leafOf(salt, payload)
    database.sql(ADD_STATEMENT).run(seq, at, salt, leaf, payload)
    state = { ...state, ...append(state, leaf) }
  }
  return state
}

/** Versions are counted over all keys. So the version of a record that was deleted or expired and
 * then written again can not be mistaken for an older one, and nothing need be kept of it. */
function writeRecords(database: Database, records: readonly CheckedRecord[], before: State) {
  let { version } = before
  const versions = records.map(({ key, value, expires }) => {
    if (value === null) {
      database.sql('DELETE FROM record WHERE key = ?').run(key)
      return 0
    }
    version += 1
    database.sql(WRITE_RECORD).run({ key, value, version, expires })
    return version
  })
  return { state: { ...before, version }, versions }
}

function refusal(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}
