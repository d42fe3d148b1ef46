/* Payloads that are gone: was each erased by a statement that says so, and is what it made what it was
 * then, without names and attributes? */
import { erasedAttributes, type Remains, remainsDigest } from '../erasure.ts'
import type { Relation } from '../ledger.ts'
import type { Database } from './database.ts'
import type { Findings } from './findings.ts'
import { RELATION_CODES } from './schema.ts'

/** By which statement, and the digest of what remains. */
export interface Erased {
  readonly by: number
  readonly remains: string
}

const NODES = `SELECT id, class, kind, organisation, workspace, digest, name, attributes
  FROM main.node WHERE seq = ?`

const EDGES = `SELECT f.id AS "from", e.rel, t.id AS "to", e.role FROM main.edge e
  LEFT JOIN main.node f ON f.n = e.src LEFT JOIN main.node t ON t.n = e.dst WHERE e.seq = ?`

export function checkErased(
  database: Database,
  erasures: ReadonlyMap<number, Erased>,
  findings: Findings,
): void {
  const gone = new Set<number>()
  for (const row of database.sql('SELECT seq FROM temp.erased ORDER BY seq').all()) {
    const seq = row.seq as number
    gone.add(seq)
    const erased = erasures.get(seq)
    if (erased) checkRemains(database, seq, erased, findings)
    else findings.add(`statement ${seq} has no payload, and no statement says that it was erased`)
  }
  for (const [seq, { by }] of erasures) {
    if (!gone.has(seq)) {
      findings.add(`statement ${seq} was erased by statement ${by}, and its payload is there`)
    }
  }
}

function checkRemains(
  database: Database,
  seq: number,
  { by, remains }: Erased,
  findings: Findings,
): void {
  const nodes = database.sql(NODES).all(seq)
  const edges = database.sql(EDGES).all(seq)
  const words = Object.entries(RELATION_CODES) as [Relation, number][]
  const found = {
    nodes,
    edges: edges.map(({ rel, ...edge }) => {
      return { ...edge, relation: words.find(([, code]) => code === rel)?.[0] ?? String(rel) }
    }),
  } as unknown as Remains
  if (remainsDigest(found) !== remains) {
    findings.add(`what statement ${seq} made is not what it was when it was erased`)
  }
  for (const { id, name, attributes } of nodes) {
    if (name === null && attributes === erasedAttributes(by)) continue
    findings.add(`node ${id} of statement ${seq}, which was erased, has a name or attributes`)
  }
}
