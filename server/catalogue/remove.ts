/* Taking a version out of the catalogue. Its pointers go: version, tags, the names it has as a bundle
 * and as an OCI manifest. That is a fact with the digest in it; no byte is deleted, and what a job
 * used stays reachable by the job. The number is never given again. */
import { KaosError } from '../../api/errors.ts'
import type { Expectation, Ledger, Move, Node, Statement } from '../../graph/ledger.ts'
import { bundlePointer } from '../bundles/bundles.ts'
import type { EndpointRecord } from '../jobs/records.ts'
import { pointerAt, recordsBelow } from '../ledger-reads.ts'
import { type Moving, planTag, pointerOf, tagMoved } from './pointers.ts'
import { type Asked, commitOnce, madeBefore, type Room } from './room.ts'
import { inTurn } from './turns.ts'
import { placesOf, pointersBelow, tagsOf, versionAt } from './versions.ts'

const SHOWN = 10

/** NOT_FOUND when there is no such version; IN_USE, unless forced, with the tags and running endpoints
 * that stand at it. */
export async function removeVersion(
  room: Room,
  asked: Asked,
  repository: string,
  number: number,
  force: boolean,
): Promise<void> {
  const { ledger } = room
  const ws = asked.workspace.id
  await inTurn(ledger, ws, repository, async () => {
    if (await madeBefore(ledger, asked)) return
    const version = await versionAt(ledger, ws, repository, number)
    const node = version && (await ledger.node(version.entity))
    if (!version || !node) {
      const message = `${repository} has no version ${number}; see: kaos data log ${repository}`
      throw new KaosError('NOT_FOUND', message)
    }
    const tags = await tagsAt(ledger, ws, repository, node.id)
    if (!force) await requireUnused(ledger, ws, `${repository}@v${number}`, node, tags)
    const { expect, statements } = await planRemoval(ledger, ws, repository, number, node)
    await commitOnce(room, asked, { expect, statements }, { repository, number })
  })
}

/** What a commit must state to take a version away with its tags. For the registry as well. */
export async function planRemoval(
  ledger: Ledger,
  ws: string,
  repository: string,
  number: number,
  node: Node,
): Promise<{ expect: Expectation[]; statements: Statement[] }> {
  const version = { pointer: pointerOf.version(ws, repository, number), target: node.id }
  const expect: Expectation[] = [version]
  const statements: Statement[] = []
  for (const tag of await tagsAt(ledger, ws, repository, node.id)) {
    const planned = await planTag(ledger, ws, repository, tag, null)
    const statement = tagMoved(ws, repository, tag, planned)
    expect.push(...planned.expect)
    if (statement) statements.push(statement)
  }
  const names = await namesOf(ledger, ws, repository, node)
  const moves: Move[] = [
    { pointer: version.pointer, target: null },
    { pointer: pointerOf.place(ws, node.id, repository), target: null },
    ...names.moves,
  ]
  const detail = { repository, version: number, entity: node.id, digest: node.digest ?? null }
  statements.push({ type: 'version.removed', workspace: ws, moves, detail })
  return { expect: [...expect, ...names.expect], statements }
}

/** The other pointers at it: as OCI manifest and referrer of this repository, and, when it is a version
 * nowhere else, as the bundle of its folder. */
async function namesOf(
  ledger: Ledger,
  ws: string,
  repository: string,
  node: Node,
): Promise<Moving> {
  const pointers: string[] = []
  for await (const { name, target } of pointersBelow(ledger, pointerOf.oci(ws, repository, ''))) {
    if (target === node.id) pointers.push(name)
  }
  const referrers = pointerOf.referrer(ws, repository, '', '').slice(0, -1)
  for await (const { name, target } of pointersBelow(ledger, referrers, { slashes: 1 })) {
    if (target === node.id) pointers.push(name)
  }
  const places = await placesOf(ledger, ws, node.id)
  const bundle = bundleOf(ws, node)
  if (bundle !== undefined && places.length < 2) {
    const pointer = await pointerAt(ledger, bundle)
    if (pointer?.target === node.id) pointers.push(bundle)
  }
  return {
    expect: pointers.map(pointer => ({ pointer, target: node.id })),
    moves: pointers.map(pointer => ({ pointer, target: null })),
  }
}

function bundleOf(ws: string, { kind, digest, attributes }: Node): string | undefined {
  const { folder } = attributes
  if (kind !== 'data' || digest === undefined || typeof folder !== 'string') return undefined
  return bundlePointer(ws, { kind: 'data', folder, tree: digest })
}

async function tagsAt(ledger: Ledger, ws: string, repository: string, entity: string) {
  const tags = await tagsOf(ledger, ws, repository)
  return tags.filter(one => one.entity === entity).map(one => one.tag)
}

async function requireUnused(
  ledger: Ledger,
  ws: string,
  what: string,
  { id }: Node,
  tags: readonly string[],
): Promise<void> {
  const endpoints: string[] = []
  for await (const { value } of recordsBelow(ledger, 'endpoint/')) {
    const { name, workspace, model, state } = value as unknown as EndpointRecord
    if (workspace === ws && model?.entity === id && state !== 'PIPELINE_KILLED') {
      endpoints.push(name)
    }
  }
  if (tags.length + endpoints.length === 0) return
  const shown = [
    ...(tags.length > 0 ? [`the tags ${tags.slice(0, SHOWN).join(', ')}`] : []),
    ...(endpoints.length > 0 ? [`the endpoints ${endpoints.slice(0, SHOWN).join(', ')}`] : []),
  ].join(' and ')
  const message = `${what} is in use: ${shown} stand at it; move them, or remove it with --force`
  throw new KaosError('IN_USE', message, { detail: { tags: [...tags], endpoints } })
}
