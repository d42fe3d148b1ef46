/* What happened, newest first: changes are the statements of the ledger, denials what was sealed in it
 * and what is not yet. */
import type { AuditQuery, AuditRow, AuditView } from '../../api/wire.ts'
import type { Payload } from '../../graph/payload.ts'
import type { Parts } from '../parts.ts'
import { type Denials, type Entry, SEGMENT } from './denials.ts'

const LIMIT = 100
const PAGE = 200
/** Statements that are looked through at most: the rest is for `kaos ledger`. */
const LOOKED_MAX = 20_000

type Row = Omit<AuditRow, 'actor' | 'workspace'> & { actor: string; workspace: string | null }

export async function auditOf(
  parts: Parts,
  denials: Denials,
  { since, actor, limit = LIMIT }: AuditQuery,
): Promise<AuditView> {
  const from = since === undefined ? '' : new Date(since).toISOString()
  const names = namesIn(parts)
  const wanted = async (row: Row) =>
    row.at >= from && (actor === undefined || (await isOf(row.actor, actor, names.person)))
  const rows: Row[] = []
  for (const entry of await denials.open()) {
    const row = denialRow(entry, null)
    if (await wanted(row)) rows.push(row)
  }
  let enough = false
  for await (const row of backwards(parts)) {
    // A sealed denial is older than its statement: so rows are cut by time, and put in order below.
    if (row === 'end' || (row.kind === 'change' && row.at < from)) {
      enough = row === 'end'
      break
    }
    if (await wanted(row)) rows.push(row)
    if (rows.length > limit * 2) break
  }
  const sorted = rows.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
  const shown = await Promise.all(
    sorted.slice(0, limit).map(async row => ({
      ...row,
      actor: { id: row.actor, name: await names.person(row.actor) },
      workspace: row.workspace === null ? null : await names.workspace(row.workspace),
    })),
  )
  return { rows: shown, truncated: sorted.length > limit || enough }
}

/** Statements from the newest on, each as its rows; `end` when too many were looked through. */
async function* backwards({ ledger }: Parts): AsyncGenerator<Row | 'end'> {
  const { size } = await ledger.head()
  const last = Math.max(0, size - LOOKED_MAX)
  for (let end = size; end > last; end -= PAGE) {
    const from = Math.max(last, end - PAGE)
    const page = await ledger.log(from, end - from)
    for (const { payload, seq } of page.toReversed()) {
      if (payload === null) continue
      yield* rowsOf(JSON.parse(payload) as Payload, seq)
    }
  }
  if (last > 0) yield 'end'
}

function rowsOf(payload: Payload, seq: number): Row[] {
  const { type, at, actor, workspace, detail, nodes = [], moves = [] } = payload
  if (type === SEGMENT) {
    const entries = (detail?.entries ?? []) as unknown as Entry[]
    return entries.map(entry => denialRow(entry, seq))
  }
  const [node] = nodes
  const on = node ? [node.kind, node.name].filter(Boolean).join(' ') : (moves[0]?.pointer ?? null)
  const none = { requestId: null, address: null }
  const change = { kind: 'change', what: type, on, result: 'done', count: 1 } as const
  return [{ ...change, ...none, at, firstAt: at, actor, workspace: workspace ?? null, seq }]
}

function denialRow(entry: Entry, seq: number | null): Row {
  const { actor, code, method, route, workspace, requestId, address, count, first, last } = entry
  return {
    kind: 'denial',
    at: last,
    firstAt: first,
    actor,
    what: `${method} ${route}`,
    on: null,
    workspace,
    result: code,
    count,
    requestId,
    address,
    seq,
  }
}

async function isOf(
  id: string,
  asked: string,
  nameOf: (id: string) => Promise<string>,
): Promise<boolean> {
  return id.startsWith(asked) || (await nameOf(id)) === asked
}

/** Each name is looked up once. */
function namesIn({ people, workspaces }: Parts) {
  const known = new Map<string, Promise<string>>()
  const once = (key: string, find: () => Promise<string>) => {
    const found = known.get(key) ?? find()
    known.set(key, found)
    return found
  }
  return {
    person: (id: string) => once(`p${id}`, () => people.nameOf(id)),
    /** An id, or already a name: a denial knows it as the caller wrote it. */
    workspace: (id: string) => once(`w${id}`, async () => (await workspaces.byId(id))?.name ?? id),
  }
}
