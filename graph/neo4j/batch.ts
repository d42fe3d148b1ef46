/* One batch of commits: one transaction, which begins by taking the head's lock, so that the writers
 * of several servers stand in line, each with all that waits on its side. */
import { randomUUID } from 'node:crypto'
import type { KaosError } from '../../api/errors.ts'
import type { CheckedCommit, CheckedStatement } from '../commit.ts'
import type { ProvClass, Receipt } from '../ledger.ts'
import type { Payload } from '../payload.ts'
import { type Ask, type Connection, ledgerError, type Row, type Value } from './connection.ts'
import type { Names } from './names.ts'
import { type Changes, edgeKey, type Known, Overlay, type State, type Thing } from './overlay.ts'

export type Outcome = { readonly receipt: Receipt } | { readonly failure: KaosError }

const HASH_HEX = 64
/** Expired records that a batch removes. */
const SWEEP_RECORDS = 500
const SWEEP_EVERY_MS = 5000

export interface BatchWriter {
  /** How each commit ended, in order. When it throws, nobody knows: none is acknowledged. */
  write(commits: readonly CheckedCommit[]): Promise<Outcome[]>
}

export function batchWriterOver(
  connection: Connection,
  names: Names,
  now: () => number,
): BatchWriter {
  const writer = randomUUID()
  let swept = 0

  return {
    async write(commits) {
      const batch = randomUUID()
      let outcomes: Outcome[] = []
      await connection.write(async ask => {
        const clock = now()
        const { state, n, last } = await lockHead(ask, names, writer)
        // The connection broke after the commit and the driver tries again: it is written already.
        if (last === batch) return
        if (clock - swept >= SWEEP_EVERY_MS) {
          swept = clock
          await sweep(ask, names, clock)
        }
        const known = await knownTo(ask, names, commits, clock)
        const overlay = new Overlay(known, { ...state, at: Math.max(clock, state.at) })
        outcomes = commits.map(commit => tried(() => overlay.apply(commit)))
        await store(ask, names, overlay, n, { writer, batch })
      })
      return outcomes
    },
  }
}

function tried(apply: () => Receipt): Outcome {
  try {
    return { receipt: apply() }
  } catch (error) {
    return { failure: ledgerError(error) }
  }
}

async function lockHead(ask: Ask, names: Names, writer: string) {
  const [row] = await ask(
    `MATCH (h:${names.head} {one: 1}) SET h.one = 1
     WITH h OPTIONAL MATCH (w:${names.writer} {id: $writer})
     RETURN h.size AS size, h.peaks AS peaks, h.at AS at, h.version AS version, h.n AS n, w.batch AS last`,
    { writer },
  )
  return { state: stateOf(row!), n: row!.n as number, last: row!.last as string | null }
}

/** The head's row as the state of the log. */
export function stateOf(row: Row): State {
  const text = row.peaks as string
  const peaks = Array.from({ length: text.length / HASH_HEX }, (_, i) =>
    Buffer.from(text.slice(i * HASH_HEX, (i + 1) * HASH_HEX), 'hex'),
  )
  const { size, at, version } = row
  return { size: size as number, peaks, at: at as number, version: version as number }
}

async function sweep(ask: Ask, names: Names, clock: number): Promise<void> {
  await ask(
    `MATCH (r:${names.record}) WHERE r.expires <= $clock
     WITH r LIMIT ${SWEEP_RECORDS} DELETE r`,
    { clock },
  )
}

/** Everything that the commits name and that is there. */
async function knownTo(
  ask: Ask,
  names: Names,
  commits: readonly CheckedCommit[],
  clock: number,
): Promise<Known> {
  const statements = commits.flatMap(one => one.statements)
  const edges = statements.flatMap(one => one.edges)
  const payloads = await payloadsOf(ask, names, statements)
  const ids = new Set(commits.map(one => one.actor))
  for (const payload of payloads.values()) for (const id of namedIn(payload)) ids.add(id)
  for (const { id } of statements.flatMap(one => one.nodes)) ids.add(id)
  for (const { from, to } of edges) ids.add(from).add(to)
  const pointers = new Set(statements.flatMap(one => one.moves.map(move => move.pointer)))
  const keys = new Set(commits.flatMap(one => one.records.map(record => record.key)))
  for (const expectation of commits.flatMap(one => one.expect)) {
    if ('pointer' in expectation) pointers.add(expectation.pointer)
    else keys.add(expectation.record)
  }
  const found = async (text: string, all: ReadonlySet<string>) =>
    all.size === 0 ? [] : ask(text, { all: [...all], clock })
  const [things, targets, versions] = await Promise.all([
    found(
      `UNWIND $all AS id MATCH (p:${names.prov} {id: id}) RETURN properties(p) AS p, ${CLASS}`,
      ids,
    ),
    found(
      `UNWIND $all AS name MATCH (p:${names.pointer} {current: name})
       RETURN name, p.target AS target`,
      pointers,
    ),
    found(
      `UNWIND $all AS key MATCH (r:${names.record} {key: key})
       WHERE r.expires IS NULL OR r.expires > $clock RETURN key, r.version AS version`,
      keys,
    ),
  ])
  const known = new Map(things.map(row => thingOf(row)).map(thing => [thing.id, thing]))
  const old = edges.filter(edge => known.has(edge.from) && known.has(edge.to))
  return {
    things: known,
    edges: await rolesOf(
      ask,
      names,
      old.map(({ from, relation, to }) => ({ from, relation, to })),
    ),
    targets: new Map(targets.map(row => [row.name as string, row.target as string])),
    versions: new Map(versions.map(row => [row.key as string, row.version as number])),
    payloads,
  }
}

/** Of the statements that are to be erased. */
async function payloadsOf(
  ask: Ask,
  names: Names,
  statements: readonly CheckedStatement[],
): Promise<Known['payloads']> {
  const seqs = statements.flatMap(one => one.erases.map(erasure => erasure.seq))
  if (seqs.length === 0) return new Map()
  const rows = await ask(
    `UNWIND $seqs AS seq MATCH (s:${names.statement} {seq: seq}) RETURN seq, s.payload AS payload`,
    { seqs },
  )
  return new Map(rows.map(row => [row.seq as number, row.payload as string | null]))
}

function namedIn(payload: string | null): string[] {
  const { nodes = [] } = (payload === null ? {} : JSON.parse(payload)) as Partial<Payload>
  return nodes.map(node => node.id)
}

/** Which PROV class the labels of `p` name. */
export const CLASS_OF = `CASE WHEN p:Entity THEN 'entity' WHEN p:Activity THEN 'activity' ELSE 'agent' END`
export const CLASS = `${CLASS_OF} AS class`

/** A row of {p: properties, class}. */
export function thingOf(row: Row): Thing {
  const p = row.p as Row
  return {
    id: p.id as string,
    class: row.class as ProvClass,
    kind: p.kind as string,
    organisation: p.organisation as string,
    workspace: (p.workspace ?? null) as string | null,
    digest: (p.digest ?? null) as string | null,
    name: (p.name ?? null) as string | null,
    attributes: p.attributes as string,
    seq: p.seq as number,
    at: p.at as number,
  }
}

async function rolesOf(
  ask: Ask,
  names: Names,
  edges: { from: string; relation: string; to: string }[],
): Promise<Map<string, string | null>> {
  if (edges.length === 0) return new Map()
  const rows = await ask(
    `UNWIND $edges AS e
     MATCH (a:${names.prov} {id: e.from}), (b:${names.prov} {id: e.to})
     MATCH (a)-[r]->(b) WHERE type(r) = e.relation
     RETURN e.from AS from, e.relation AS relation, e.to AS to, r.role AS role`,
    { edges },
  )
  return new Map(
    rows.map(row => [
      edgeKey(row as unknown as Parameters<typeof edgeKey>[0]),
      row.role as string | null,
    ]),
  )
}

/** Writes what the batch changed. The texts go out together and are answered in order. */
async function store(
  ask: Ask,
  names: Names,
  { changes, state }: Overlay,
  n: number,
  mark: { writer: string; batch: string },
): Promise<void> {
  const { things, edges, statements } = changes
  const numbered = things.map((thing, i) => ({ thing, n: n + i }))
  const writes: [string, Value[]][] = []
  for (const [kind, group] of Map.groupBy(numbered, one => one.thing.kind)) {
    const rows = group.map(({ thing: { class: _, ...row }, n }): Value => ({ ...row, n }))
    writes.push([`UNWIND $rows AS row CREATE (p:${names.labelsOf(kind)}) SET p = row`, rows])
  }
  for (const [relation, group] of Map.groupBy(edges, one => one.relation)) {
    const rows = group.map(
      ({ from, to, role, seq }): Value => ({ from, to, role: role ?? null, seq }),
    )
    writes.push([
      `UNWIND $rows AS row MATCH (a:${names.prov} {id: row.from}), (b:${names.prov} {id: row.to})
       CREATE (a)-[:${relation} {role: row.role, seq: row.seq}]->(b)`,
      rows,
    ])
  }
  writes.push([
    `UNWIND $rows AS row CREATE (s:${names.statement}) SET s = row`,
    statements.map((row): Value => ({ ...row })),
  ])
  writes.push(...pointerWrites(names, changes), ...recordWrites(names, changes))
  writes.push(...erasureWrites(names, changes))
  const asked = writes
    .filter(([, rows]) => rows.length > 0)
    .map(([text, rows]) => ask(text, { rows }))
  const { size, peaks, at, version } = state
  const head = { size, peaks: Buffer.concat(peaks).toString('hex'), at, version }
  asked.push(
    ask(
      `MATCH (h:${names.head} {one: 1}) SET h += $head
       MERGE (w:${names.writer} {id: $writer}) SET w.batch = $batch`,
      { head: { ...head, n: n + things.length }, ...mark },
    ),
  )
  await Promise.all(asked)
}

function pointerWrites(names: Names, { ended, pointers }: Changes): [string, Value[]][] {
  const ends = [...ended].map(([name, seq]): Value => ({ name, seq }))
  const rows = pointers.map(
    (row): Value => ({ ...row, current: row.to === null ? row.name : null }),
  )
  return [
    [
      `UNWIND $rows AS row MATCH (p:${names.pointer} {current: row.name})
       SET p.to = row.seq REMOVE p.current`,
      ends,
    ],
    [`UNWIND $rows AS row CREATE (p:${names.pointer}) SET p = row`, rows],
  ]
}

function erasureWrites(names: Names, { erased, blanked }: Changes): [string, Value[]][] {
  return [
    [
      `UNWIND $rows AS seq MATCH (s:${names.statement} {seq: seq}) REMOVE s.payload, s.salt`,
      erased,
    ],
    [
      `UNWIND $rows AS row MATCH (p:${names.prov} {id: row.id})
       SET p.attributes = row.attributes REMOVE p.name`,
      blanked.map((row): Value => ({ ...row })),
    ],
  ]
}

function recordWrites(names: Names, { records }: Changes): [string, Value[]][] {
  const gone = [...records].flatMap(([key, row]) => (row === null ? [key] : []))
  const rows = [...records.values()].flatMap((row): Value[] => (row === null ? [] : [{ ...row }]))
  return [
    [`UNWIND $rows AS key MATCH (r:${names.record} {key: key}) DELETE r`, gone],
    [`UNWIND $rows AS row MERGE (r:${names.record} {key: row.key}) SET r = row`, rows],
  ]
}
