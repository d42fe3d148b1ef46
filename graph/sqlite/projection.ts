/* The graph as a projection of the log: what a statement adds to the tables. The writer projects
 * each statement into the main tables, `verify` the whole log into temporary ones beside them. */
import { KaosError } from '../../api/errors.ts'
import { areErased } from '../erasure.ts'
import type { Move, NewEdge, ProvClass } from '../ledger.ts'
import type { NodeRow } from '../payload.ts'
import type { Database } from './database.ts'
import { RELATION_CODES } from './schema.ts'

/** The statement that does it: its number, time and organisation. */
export interface Origin {
  readonly seq: number
  /** ms since 1970. */
  readonly at: number
  readonly organisation: string
}

export interface Found {
  readonly n: number
  readonly class: ProvClass
}

export interface Projection {
  find(id: string): Found | undefined
  /** What was added. The same node again has no effect; with another content it is a CONFLICT. */
  addNode(node: NodeRow, origin: Origin): Found | undefined
  /** The same edge again has no effect; in another role it is a CONFLICT. */
  addEdge(edge: NewEdge, from: Found, to: Found, origin: Origin): void
  move(move: Move, origin: Origin): void
}

export function projectionOf(database: Database, schema: 'main' | 'temp'): Projection {
  const sql = statementsFor(schema)
  return {
    find: id => database.sql(sql.find).get(id) as Found | undefined,

    addNode(node, { seq, at, organisation }) {
      const { id, class: kindClass, kind, workspace, digest, name, attributes } = node
      const own = [kindClass, kind, organisation, workspace, digest, name, attributes] as const
      const { changes, lastInsertRowid } = database.sql(sql.addNode).run(id, ...own, seq, at)
      if (changes === 1) return { n: Number(lastInsertRowid), class: kindClass }
      if (database.sql(sql.sameNode).get({ ...node, organisation }) !== undefined) return undefined
      const there = database.sql(sql.attributes).get(node.id)?.attributes
      if (areErased(String(there))) return undefined
      throw conflict(`node ${node.id} is there already with another content`, { node: node.id })
    },

    addEdge(edge, from, to, { seq }) {
      const key = { src: from.n, rel: RELATION_CODES[edge.relation], dst: to.n }
      const role = edge.role ?? null
      if (database.sql(sql.addEdge).run(key.src, key.rel, key.dst, role, seq).changes === 1) return
      if (database.sql(sql.sameEdge).get({ ...key, role }) !== undefined) return
      const what = `${edge.from} ${edge.relation} ${edge.to}`
      throw conflict(`edge ${what} is there already in another role`, { edge: { ...edge } })
    },

    move({ pointer, target }, { seq, at }) {
      database.sql(sql.endPointer).run({ pointer, seq })
      if (target !== null) database.sql(sql.setPointer).run({ pointer, target, at, seq })
    },
  }
}

function statementsFor(schema: 'main' | 'temp') {
  return {
    find: `SELECT n, class FROM ${schema}.node WHERE id = ?`,
    addNode: `INSERT INTO ${schema}.node
        (id, class, kind, organisation, workspace, digest, name, attributes, seq, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO NOTHING`,
    sameNode: `SELECT 1 FROM ${schema}.node WHERE id = :id AND class = :class AND kind = :kind
      AND organisation = :organisation AND workspace IS :workspace AND digest IS :digest
      AND name IS :name AND attributes = :attributes`,
    addEdge: `INSERT INTO ${schema}.edge (src, rel, dst, role, seq)
      VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    sameEdge: `SELECT 1 FROM ${schema}.edge
      WHERE src = :src AND rel = :rel AND dst = :dst AND role IS :role`,
    attributes: `SELECT attributes FROM ${schema}.node WHERE id = ?`,
    endPointer: `UPDATE ${schema}.pointer SET to_seq = :seq
      WHERE name = :pointer AND to_seq IS NULL`,
    setPointer: `INSERT INTO ${schema}.pointer (name, target, at, from_seq)
      VALUES (:pointer, :target, :at, :seq)`,
  }
}

function conflict(message: string, detail: Record<string, unknown>): KaosError {
  return new KaosError('CONFLICT', message, { detail })
}
