/* What a reference can mean, the most exact reading first. The ledger is asked for each only when the
 * ones before did not fit. */
import { type Digest, hexOf, isDigest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { Ledger, Node, NodeQuery } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'
import { pointerOf } from './pointers.ts'
import { OCI_DIGEST, type Reference } from './reference.ts'
import { placeIn, versionAt, versionsBelow } from './versions.ts'

const PAGE = 1000
/** Versions, or entities of a kind, that are looked through for one that fits. */
const LOOKED_AT_MAX = 5000
const SHORT = 5
const CANDIDATES_SHOWN = 10

export interface Search {
  readonly ledger: Ledger
  readonly workspace: Workspace
  /** Kinds of node that are wanted. */
  readonly kinds: readonly string[]
}

export async function* candidates(search: Search, reference: Reference): AsyncGenerator<Node> {
  const { text } = reference
  if (text === '@latest') yield* newestOf(search)
  else if (isId(text)) yield* byId(search, text)
  else if (OCI_DIGEST.test(text)) yield* byDigest(search, text)
  else {
    yield* byPlace(search, reference)
    yield* byName(search, text)
    if (search.kinds.includes('model')) yield* byPartOfModelId(search, text)
    yield* byFolder(search, text)
  }
}

async function* newestOf(search: Search): AsyncGenerator<Node> {
  const { ledger, workspace } = search
  const lists = search.kinds.map(kind => nodesOf(ledger, workspace, kind))
  const heads = await Promise.all(lists.map(async list => (await list.next()).value))
  for (let left = LOOKED_AT_MAX; left > 0; left--) {
    const newest = heads.reduce<Node | undefined>(
      (best, one) => (one && (!best || one.seq > best.seq) ? one : best),
      undefined,
    )
    if (!newest) return
    yield newest
    const at = heads.indexOf(newest)
    heads[at] = (await lists[at]!.next()).value
  }
}

async function* byId({ ledger, workspace }: Search, id: string): AsyncGenerator<Node> {
  const node = await ledger.node(id)
  if (node?.workspace === workspace.id && node.class === 'entity') yield node
}

async function* byDigest(search: Search, digest: string): AsyncGenerator<Node> {
  if (isDigest(digest)) yield* await nodesWith(search, { digest })
  const { ledger, workspace } = search
  const prefix = `oci/${workspace.id}/`
  for (let after: string | undefined; ; ) {
    const page = await ledger.pointers(prefix, { limit: PAGE, ...(after && { after }) })
    const pointer = page.find(({ name }) => name.endsWith(`/${digest}`))
    if (pointer) return yield* byId(search, pointer.target)
    if (page.length < PAGE) return
    after = page.at(-1)?.name
  }
}

async function* byPlace(search: Search, { place }: Reference): AsyncGenerator<Node> {
  if (!place) return
  const { repository, tag, number, digits, digest, sign } = place
  if (digest !== undefined) return yield* byDigestIn(search, repository, digest)
  if (tag === undefined) return yield* newestIn(search, repository)
  const { ledger, workspace } = search
  const tagged = await pointerAt(ledger, pointerOf.tag(workspace.id, repository, tag))
  if (tagged) yield* byId(search, tagged.target)
  async function* numbered() {
    const version =
      number === undefined ? undefined : await versionAt(ledger, workspace.id, repository, number)
    if (version) yield* byId(search, version.entity)
  }
  // features@12345 is more likely a number, features:12345 a short id.
  if (sign === '@') yield* numbered()
  if (digits !== undefined) yield* byDigits(search, repository, digits)
  if (sign === ':') yield* numbered()
}

async function* byDigestIn(search: Search, repository: string, digest: string) {
  const { ledger, workspace } = search
  const pointer = await pointerAt(ledger, pointerOf.oci(workspace.id, repository, digest))
  if (pointer) yield* byId(search, pointer.target)
  if (!isDigest(digest)) return
  for (const node of await nodesWith(search, { digest })) {
    if ((await placeIn(ledger, workspace.id, node.id, repository)) !== undefined) yield node
  }
}

async function* newestIn(search: Search, repository: string): AsyncGenerator<Node> {
  const { ledger, workspace } = search
  let left = LOOKED_AT_MAX
  for await (const { entity } of versionsBelow(ledger, workspace.id, repository)) {
    yield* byId(search, entity)
    if (--left === 0) return
  }
}

/** `features:e23a2`: what was sent under this name, else a version of the repository. */
async function* byDigits(search: Search, repository: string, digits: string) {
  const begins = ({ digest }: Node) => digest !== undefined && hexOf(digest).startsWith(digits)
  if (digits.length >= SHORT) {
    const name = `${repository}:${digits.slice(0, SHORT)}`
    const named = (await nodesWith(search, { name })).filter(begins)
    requireOne(search, `${repository}:${digits}`, named)
    yield* named
  }
  for await (const node of newestIn(search, repository)) if (begins(node)) yield node
}

/** Several contents under one short id: five digits are few. */
function requireOne({ kinds }: Search, text: string, nodes: readonly Node[]): void {
  const wanted = nodes.filter(({ kind }) => kinds.includes(kind))
  const digests = new Set(wanted.map(({ digest }) => digest as Digest))
  if (digests.size < 2) return
  const folder = text.slice(0, text.lastIndexOf(':'))
  const longer = [...digests].map(digest => `${folder}:${hexOf(digest).slice(0, 12)}`)
  throw ambiguous(text, longer)
}

async function* byName(search: Search, name: string): AsyncGenerator<Node> {
  yield* await nodesWith(search, { name })
}

async function* byPartOfModelId({ ledger, workspace }: Search, text: string): AsyncGenerator<Node> {
  if (text === '') return
  const matches: Node[] = []
  for await (const node of nodesOf(ledger, workspace, 'model')) {
    if (node.name?.includes(text)) matches.push(node)
    if (matches.length > CANDIDATES_SHOWN) break
  }
  const names = new Set(matches.map(node => node.name!))
  if (names.size > 1) throw ambiguous(text, [...names])
  yield* matches
}

/** A bundle that was sent as this folder and has no place in a repository. */
async function* byFolder({ ledger, workspace, kinds }: Search, folder: string) {
  for (const kind of ['data', 'source']) {
    if (!kinds.includes(kind)) continue
    let left = LOOKED_AT_MAX
    for await (const node of nodesOf(ledger, workspace, kind)) {
      if (node.attributes.folder === folder) yield node
      if (--left === 0) break
    }
  }
}

function ambiguous(text: string, all: readonly string[]): KaosError {
  const shown = all.slice(0, CANDIDATES_SHOWN)
  const message = `"${text}" fits several things: ${shown.join(', ')}; name one of them`
  return new KaosError('AMBIGUOUS', message, { detail: { candidates: shown } })
}

/** All of a kind in a workspace, newest first. */
export async function* nodesOf(
  ledger: Ledger,
  { id, organisation }: Workspace,
  kind: string,
): AsyncGenerator<Node, undefined> {
  const query = { organisation, workspace: id, kind, limit: PAGE }
  for (let olderThan: string | undefined; ; ) {
    const page = await ledger.nodes({ ...query, ...(olderThan === undefined ? {} : { olderThan }) })
    yield* page
    if (page.length < PAGE) return undefined
    olderThan = page.at(-1)?.id
  }
}

async function nodesWith(
  { ledger, workspace }: Search,
  how: Pick<NodeQuery, 'digest' | 'name'>,
): Promise<Node[]> {
  const { id, organisation } = workspace
  return ledger.nodes({ organisation, workspace: id, limit: PAGE, ...how })
}
