/* Which nodes fit? Newest first, by number of the statement, then by place in it. */
import type { SQLOutputValue } from 'node:sqlite'
import type { Digest } from '../../api/digest.ts'
import type { Json, Node, NodeQuery, ProvClass } from '../ledger.ts'
import { KINDS } from '../prov.ts'
import { AT_MOST, type Database, type Parameters } from './database.ts'
import { endOf } from './prefix.ts'

const LIMIT_DEFAULT = 100
const LIMIT_MAX = 1000

/** Columns that `nodeOf` reads. */
export const NODE_COLUMNS =
  'n, id, class, kind, organisation, workspace, digest, name, seq, at, attributes'

export type Row = Record<string, SQLOutputValue>

/** A row of the node table in the words of the interface. */
export function nodeOf(row: Row): Node {
  return {
    id: row.id as string,
    class: row.class as ProvClass,
    kind: row.kind as string,
    organisation: row.organisation as string,
    ...(row.workspace === null ? {} : { workspace: row.workspace as string }),
    ...(row.digest === null ? {} : { digest: row.digest as Digest }),
    ...(row.name === null ? {} : { name: row.name as string }),
    attributes: JSON.parse(row.attributes as string) as { [key: string]: Json },
    seq: row.seq as number,
    at: new Date(row.at as number).toISOString(),
  }
}

export function findNode(database: Database, id: string): Node | undefined {
  const row = database.sql(`SELECT ${NODE_COLUMNS} FROM node WHERE id = ?`).get(id)
  return row && nodeOf(row)
}

export function findNodes(database: Database, query: NodeQuery): Node[] {
  const { terms, parameters } = conditionsOf(query)
  const limit = Math.max(0, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX))
  return database
    .sql(textOf(query, terms))
    .all({ ...parameters, limit })
    .map(nodeOf)
}

// A page deeper in a long list must not read what came before it: each index ends in seq, and n
// grows with seq, so all orders below are those of the index.
const NEWEST = `ORDER BY seq DESC, n DESC ${AT_MOST}`

function textOf(query: NodeQuery, terms: readonly string[]): string {
  const index = indexFor(query)
  const among = index === undefined ? 'node NOT INDEXED' : `node INDEXED BY ${index}`
  const text = `SELECT ${NODE_COLUMNS} FROM ${among} WHERE ${terms.join(' AND ')}`
  if (index === undefined) return `${text} ORDER BY n DESC ${AT_MOST}`
  if (index !== 'node_place' || query.kind !== undefined) return `${text} ${NEWEST}`
  // A whole workspace: SQLite merges the kinds and reads no further than the page.
  const ofKinds = Object.keys(KINDS).map(kind => `${text} AND kind = '${kind}'`)
  return `${ofKinds.join(' UNION ALL ')} ${NEWEST}`
}

/** The narrowest index that fits. SQLite would guess: it has no statistics here. */
function indexFor({ idPrefix, digest, name, workspace, kind }: NodeQuery): string | undefined {
  if (idPrefix !== undefined) return 'node_id'
  if (digest !== undefined) return 'node_digest'
  if (name !== undefined) return 'node_name'
  if (workspace !== undefined) return 'node_place'
  return kind === undefined ? undefined : 'node_kind'
}

function conditionsOf(query: NodeQuery): { terms: string[]; parameters: Parameters } {
  const terms = ['organisation = :organisation']
  const parameters: Parameters = { organisation: query.organisation }
  for (const column of ['workspace', 'kind', 'name', 'digest'] as const) {
    const value = query[column]
    if (value === undefined) continue
    terms.push(`${column} = :${column}`)
    parameters[column] = value
  }
  if (query.idPrefix !== undefined) {
    terms.push('id >= :idFrom AND id < :idEnd')
    parameters.idFrom = query.idPrefix
    parameters.idEnd = endOf(query.idPrefix)
  }
  if (query.asOf !== undefined) {
    terms.push('seq <= :asOf')
    parameters.asOf = query.asOf
  }
  if (query.before !== undefined) {
    terms.push('seq < :before')
    parameters.before = query.before
  }
  if (query.after !== undefined) {
    terms.push('seq > :after')
    parameters.after = query.after
  }
  if (query.olderThan !== undefined) {
    terms.push('seq <= (SELECT seq FROM node WHERE id = :olderThan)')
    terms.push('n < (SELECT n FROM node WHERE id = :olderThan)')
    parameters.olderThan = query.olderThan
  }
  return { terms, parameters }
}
