/* Short questions: nodes, pointers, records, the log. */
import type { Digest } from '../../api/digest.ts'
import type { Json, LedgerRecord, LogEntry, Node, NodeQuery, Pointer } from '../ledger.ts'
import { CLASS, thingOf } from './batch.ts'
import type { Ask, Row, Value } from './connection.ts'
import type { Names } from './names.ts'
import type { Thing } from './overlay.ts'

const NODES_DEFAULT = 100
const NODES_MAX = 1000
const ALL = Number.MAX_SAFE_INTEGER

export const THING = `properties(p) AS p, ${CLASS}`

/** A row of THING in the words of the interface. */
export function nodeOf(row: Row): Node {
  const thing: Thing = thingOf(row)
  return {
    id: thing.id,
    class: thing.class,
    kind: thing.kind,
    organisation: thing.organisation,
    ...(thing.workspace === null ? {} : { workspace: thing.workspace }),
    ...(thing.digest === null ? {} : { digest: thing.digest as Digest }),
    ...(thing.name === null ? {} : { name: thing.name }),
    attributes: JSON.parse(thing.attributes) as { [key: string]: Json },
    seq: thing.seq,
    at: new Date(thing.at).toISOString(),
  }
}

export async function findNode(ask: Ask, names: Names, id: string): Promise<Node | undefined> {
  const [row] = await ask(`MATCH (p:${names.prov} {id: $id}) RETURN ${THING}`, { id })
  return row && nodeOf(row)
}

/** Newest first, by number of the statement, then by place in it: `n` grows with both. */
export async function findNodes(ask: Ask, names: Names, query: NodeQuery): Promise<Node[]> {
  const { terms, parameters } = conditionsOf(names, query)
  const limit = Math.max(0, Math.min(query.limit ?? NODES_DEFAULT, NODES_MAX))
  if (limit === 0) return []
  const rows = await ask(
    `MATCH (p:${names.prov}) WHERE ${terms.join(' AND ')}
     RETURN ${THING} ORDER BY p.n DESC LIMIT $limit`,
    { ...parameters, limit },
  )
  return rows.map(nodeOf)
}

function conditionsOf(names: Names, query: NodeQuery) {
  const terms = ['p.organisation = $organisation']
  const parameters: Record<string, Value> = { organisation: query.organisation }
  for (const property of ['workspace', 'kind', 'name', 'digest'] as const) {
    const value = query[property]
    if (value === undefined) continue
    terms.push(`p.${property} = $${property}`)
    parameters[property] = value
  }
  if (query.idPrefix !== undefined) {
    terms.push('p.id STARTS WITH $idPrefix')
    parameters.idPrefix = query.idPrefix
  }
  if (query.asOf !== undefined) {
    terms.push('p.seq <= $asOf')
    parameters.asOf = query.asOf
  }
  if (query.before !== undefined) {
    terms.push('p.seq < $before')
    parameters.before = query.before
  }
  if (query.after !== undefined) {
    terms.push('p.seq > $after')
    parameters.after = query.after
  }
  if (query.olderThan !== undefined) {
    terms.push(`p.n < COLLECT { MATCH (o:${names.prov} {id: $olderThan}) RETURN o.n }[0]`)
    parameters.olderThan = query.olderThan
  } else {
    // Lets an index that ends in n answer in its order.
    terms.push('p.n >= 0')
  }
  return { terms, parameters }
}

export async function findPointers(
  ask: Ask,
  names: Names,
  prefix: string,
  { asOf, after, limit }: { asOf?: number; after?: string; limit?: number } = {},
): Promise<Pointer[]> {
  if (limit !== undefined && limit <= 0) return []
  const property = asOf === undefined ? 'p.current' : 'p.name'
  const terms = [`${property} STARTS WITH $prefix`]
  if (after !== undefined) terms.push(`${property} > $after`)
  if (asOf !== undefined) terms.push('p.from <= $asOf AND (p.to IS NULL OR p.to > $asOf)')
  const rows = await ask(
    `MATCH (p:${names.pointer}) WHERE ${terms.join(' AND ')}
     RETURN p.name AS name, p.target AS target, p.from AS seq, p.at AS at
     ORDER BY ${property} LIMIT $limit`,
    { prefix, after: after ?? null, asOf: asOf ?? null, limit: limit ?? ALL },
  )
  return rows.map(row => ({
    name: row.name as string,
    target: row.target as string,
    seq: row.seq as number,
    at: new Date(row.at as number).toISOString(),
  }))
}

export async function findRecords(
  ask: Ask,
  names: Names,
  prefix: string,
  { after = '', limit = ALL }: { after?: string; limit?: number },
  now: number,
): Promise<LedgerRecord[]> {
  if (limit <= 0) return []
  const rows = await ask(
    `MATCH (r:${names.record}) WHERE r.key STARTS WITH $prefix AND r.key > $after
       AND (r.expires IS NULL OR r.expires > $now)
     RETURN r.key AS key, r.value AS value, r.version AS version, r.expires AS expires
     ORDER BY r.key LIMIT $limit`,
    { prefix, after, limit, now },
  )
  return rows.map(row => ({
    key: row.key as string,
    value: JSON.parse(row.value as string) as Json,
    version: row.version as number,
    ...(row.expires === null ? {} : { expires: row.expires as number }),
  }))
}

export async function readLog(
  ask: Ask,
  names: Names,
  from: number,
  limit: number,
  { leaves = false }: { leaves?: boolean } = {},
): Promise<LogEntry[]> {
  if (limit <= 0) return []
  const rest = leaves ? 'null AS salt, null AS payload' : 's.salt AS salt, s.payload AS payload'
  const rows = await ask(
    `MATCH (s:${names.statement}) WHERE s.seq >= $from
     RETURN s.seq AS seq, s.at AS at, s.leaf AS leaf, ${rest}
     ORDER BY s.seq LIMIT $limit`,
    { from, limit },
  )
  return rows.map(row => ({
    seq: row.seq as number,
    at: new Date(row.at as number).toISOString(),
    leaf: row.leaf as string,
    payload: row.payload as string | null,
    salt: row.salt as string | null,
  }))
}
