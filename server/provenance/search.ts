/* Things of a workspace that fit, newest first. One call looks at a bounded number of them, so a page
 * may come back short, or empty, and still name where to go on. */
import { KaosError } from '../../api/errors.ts'
import type { FoundNode, SearchView } from '../../api/wire.ts'
import type { Ledger, Node, NodeQuery } from '../../graph/ledger.ts'
import { isRepository } from '../catalogue/pointers.ts'
import type { Metrics } from '../jobs/records.ts'
import type { Parts, Workspace } from '../parts.ts'
import { firstAfter, timeOf } from './moment.ts'
import { shownNode } from './names.ts'

export interface SearchQuestion {
  /** Of the graph, with commas between; absent: what people work with. */
  readonly kind?: string | undefined
  readonly author?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** `accuracy>0.9`, several with commas between; all must hold. */
  readonly metric?: readonly string[] | undefined
  /** Part of its name, its folder or its id. */
  readonly text?: string | undefined
  /** A tag that stands at it: `champion`, `features:clean`. */
  readonly tag?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

const KINDS = ['model', 'data', 'source', 'artifact', 'train']
const LIMIT_DEFAULT = 50
const PAGE = 500
/** Things that one call looks at. */
const LOOKED_AT_MAX = 20_000

type Room = Pick<Parts, 'ledger' | 'people'>
type Test = (node: Node) => boolean | Promise<boolean>

export async function searchView(
  room: Room,
  workspace: Workspace,
  question: SearchQuestion,
): Promise<SearchView> {
  const { limit = LIMIT_DEFAULT } = question
  const tags = await tagsIn(room.ledger, workspace)
  const tests = testsOf(question, tags)
  const results: FoundNode[] = []
  const place = placeIn(question.cursor)
  let looked = 0
  for await (const node of candidates(room.ledger, workspace, question, place)) {
    if (results.length === limit || looked++ === LOOKED_AT_MAX) {
      return { results, next: Buffer.from(JSON.stringify(place)).toString('base64url') }
    }
    place[node.kind] = node.id
    if (!(await fits(node, tests))) continue
    const shown = { ...(await shownNode(room, node)), tags: tags.get(node.id) ?? [] }
    if (question.author === undefined || shown.author === question.author) results.push(shown)
  }
  return { results, next: null }
}

/** Of each kind the last that was looked at. */
type Place = Record<string, string>

function placeIn(cursor: string | undefined): Place {
  if (cursor === undefined) return {}
  try {
    const place = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Place
    if (Object.values(place).every(id => typeof id === 'string')) return { ...place }
  } catch {
    // Said below.
  }
  throw new KaosError('BAD_REQUEST', 'this is no place to go on from; ask again from the start')
}

/** Of all kinds together, newest first. */
async function* candidates(
  ledger: Ledger,
  { id, organisation }: Workspace,
  { kind, since, until }: SearchQuestion,
  place: Place,
): AsyncGenerator<Node> {
  const from = since === undefined ? 0 : await firstAfter(ledger, timeOf(since) - 1)
  const before = until === undefined ? undefined : await firstAfter(ledger, timeOf(until))
  const kinds = kind === undefined ? KINDS : kind.split(',')
  const lists = kinds.map(one => {
    const where = { organisation, workspace: id, kind: one, limit: PAGE }
    return everyNode(ledger, { ...where, ...(before !== undefined && { before }) }, place[one])
  })
  const heads = await Promise.all(lists.map(async list => (await list.next()).value))
  for (;;) {
    const newest = heads.reduce<Node | undefined>(
      (best, one) => (one && (!best || one.seq > best.seq) ? one : best),
      undefined,
    )
    if (!newest || newest.seq < from) return
    const at = heads.indexOf(newest)
    yield newest
    heads[at] = (await lists[at]!.next()).value
  }
}

async function* everyNode(
  ledger: Ledger,
  query: NodeQuery,
  after: string | undefined,
): AsyncGenerator<Node, undefined> {
  for (let olderThan = after; ; ) {
    const page = await ledger.nodes({ ...query, ...(olderThan !== undefined && { olderThan }) })
    yield* page
    if (page.length < PAGE) return undefined
    olderThan = page.at(-1)?.id
  }
}

async function fits(node: Node, tests: readonly Test[]): Promise<boolean> {
  for (const test of tests) if (!(await test(node))) return false
  return true
}

function testsOf(question: SearchQuestion, tags: ReadonlyMap<string, string[]>): Test[] {
  const { metric = [], text, tag } = question
  const tests: Test[] = metric.flatMap(bounds => bounds.split(',')).map(metricTest)
  if (tag !== undefined) {
    tests.push(({ id }) => (tags.get(id) ?? []).some(one => one === tag || one.endsWith(`:${tag}`)))
  }
  if (text !== undefined) {
    const words = text.toLowerCase()
    tests.push(({ id, name = '', attributes }) => {
      const places = (tags.get(id) ?? []).join(' ')
      const all = [id, name, places, attributes.folder, attributes.suffix, attributes.branch]
      return all.some(one => typeof one === 'string' && one.toLowerCase().includes(words))
    })
  }
  return tests
}

const METRIC = /^(?<name>.+?)(?<sign>>=|<=|!=|=|>|<)(?<value>-?\d+(\.\d+)?(e[+-]?\d+)?)$/i

function metricTest(typed: string): Test {
  const { name, sign, value } = METRIC.exec(typed.replace(/\s+/g, ''))?.groups ?? {}
  if (name === undefined || sign === undefined) {
    const example = 'give one like accuracy>0.9, with > >= < <= = or !='
    throw new KaosError('BAD_REQUEST', `${typed} is no bound of a metric; ${example}`)
  }
  const bound = Number(value)
  const holds: Record<string, (one: number) => boolean> = {
    '>': one => one > bound,
    '>=': one => one >= bound,
    '<': one => one < bound,
    '<=': one => one <= bound,
    '=': one => one === bound,
    '!=': one => one !== bound,
  }
  return ({ attributes }) => {
    const metrics = (attributes.metrics ?? {}) as Metrics
    const found = Object.hasOwn(metrics, name) ? metrics[name] : undefined
    return typeof found === 'number' && holds[sign]!(found)
  }
}

/** `features:clean` by entity. */
async function tagsIn(ledger: Ledger, { id }: Workspace): Promise<Map<string, string[]>> {
  const prefix = `tag/${id}/`
  const tags = new Map<string, string[]>()
  for (let after: string | undefined; ; ) {
    const page = await ledger.pointers(prefix, { limit: PAGE, ...(after && { after }) })
    for (const { name, target } of page) {
      const place = name.slice(prefix.length)
      const slash = place.lastIndexOf('/')
      const repository = place.slice(0, slash)
      if (!isRepository(repository)) continue
      const shown = `${repository}:${place.slice(slash + 1)}`
      tags.set(target, [...(tags.get(target) ?? []), shown])
    }
    if (page.length < PAGE) return tags
    after = page.at(-1)?.name
  }
}
