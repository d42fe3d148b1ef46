/* How versions, repositories and entities are shown. */
import type {
  EntityView,
  RepositoryRow,
  RepositoryView,
  VersionList,
  VersionView,
} from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import { authorOf } from '../jobs/authors.ts'
import type { Metrics } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { cardOf } from './card.ts'
import { aboutOf } from './describe.ts'
import { originOf, referenceOf } from './origins.ts'
import { requireRepository } from './pointers.ts'
import type { Room } from './room.ts'
import { type Said, statementAt } from './statements.ts'
import {
  newestVersion,
  placeIn,
  placesOf,
  repositoryNames,
  type Tag,
  tagsOf,
  type Version,
  versionsBelow,
} from './versions.ts'

export async function versionView(
  room: Room,
  ws: string,
  version: Version,
  tags: readonly Tag[],
): Promise<VersionView> {
  const { ledger } = room
  const { repository, number, entity, seq, at } = version
  const node = (await ledger.node(entity))!
  const said = await statementAt(ledger, seq)
  return {
    repository,
    version: number,
    reference: `${repository}@v${number}`,
    kind: node.kind,
    entity,
    name: node.name ?? entity,
    tree: node.digest ?? null,
    ...sizeOf(node),
    tags: tags.filter(one => one.entity === entity).map(one => one.tag),
    author: await authorIn(room, said, node),
    at,
    message: messageOf(said),
    origin: await originOf(ledger, ws, node),
  }
}

async function authorIn({ ledger, people }: Room, said: Said | undefined, node: Node) {
  return said ? people.nameOf(said.actor) : authorOf(ledger, people, node.id)
}

function messageOf(said: Said | undefined): string | null {
  const message = said?.detail?.message
  return typeof message === 'string' ? message : null
}

function sizeOf({ attributes }: Node): { files: number | null; bytes: number } {
  const { files, bytes = attributes.size } = attributes
  return { files: typeof files === 'number' ? files : null, bytes: Number(bytes ?? 0) }
}

export async function versionList(
  room: Room,
  ws: string,
  repository: string,
  { below, limit }: { below: number | undefined; limit: number },
): Promise<VersionList> {
  const tags = await tagsOf(room.ledger, ws, requireRepository(repository))
  const versions: VersionView[] = []
  for await (const version of versionsBelow(room.ledger, ws, repository, below)) {
    if (versions.length === limit) return { versions, next: String(versions.at(-1)!.version) }
    versions.push(await versionView(room, ws, version, tags))
  }
  return { versions, next: null }
}

/** A page of those whose newest version is of one of these kinds, or a ModelKit that holds one. */
export async function repositoryList(
  room: Room,
  ws: string,
  kinds: readonly string[] | undefined,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<{ repositories: RepositoryRow[]; next: string | null }> {
  const repositories: RepositoryRow[] = []
  for await (const name of repositoryNames(room.ledger, ws, after)) {
    const newest = await newestVersion(room.ledger, ws, name)
    const node = newest && (await room.ledger.node(newest.entity))
    if (!newest || !node || (kinds && !isOf(node, kinds))) continue
    if (repositories.length === limit) return { repositories, next: repositories.at(-1)!.name }
    repositories.push(await rowOf(room, ws, newest, node))
  }
  return { repositories, next: null }
}

function isOf({ kind, attributes }: Node, kinds: readonly string[]): boolean {
  const { parts } = attributes
  const held = (Array.isArray(parts) ? parts : []) as { kind?: string }[]
  return kinds.includes(kind) || held.some(part => kinds.includes(part.kind ?? ''))
}

async function rowOf(
  room: Room,
  ws: string,
  { repository, number, seq, at }: Version,
  node: Node,
): Promise<RepositoryRow> {
  const { ledger } = room
  return {
    name: repository,
    kind: node.kind,
    newest: number,
    entity: node.id,
    tags: (await tagsOf(ledger, ws, repository)).map(one => one.tag),
    ...sizeOf(node),
    author: await authorIn(room, await statementAt(ledger, seq), node),
    at,
    title: (await aboutOf(room, ws, repository))?.title ?? '',
  }
}

/** Undefined when nothing was ever kept under this name, or all of it was taken away. */
export async function repositoryView(
  room: Room,
  ws: string,
  name: string,
): Promise<RepositoryView | undefined> {
  const { ledger } = room
  const newest = await newestVersion(ledger, ws, requireRepository(name))
  const tags = await tagsOf(ledger, ws, name)
  const about = await aboutOf(room, ws, name)
  const entity = newest?.entity ?? tags[0]?.entity
  const node = entity === undefined ? undefined : await ledger.node(entity)
  if (!node) return undefined
  const placed = tags.map(async ({ tag, entity, at }) => {
    return { tag, entity, at, version: (await placeIn(ledger, ws, entity, name)) ?? null }
  })
  return {
    name,
    kind: node.kind,
    newest: newest?.number ?? null,
    tags: await Promise.all(placed),
    about,
  }
}

/** `host`: as the caller reaches this server. */
export async function entityView(
  room: Room,
  workspace: Workspace,
  node: Node,
  host: string,
): Promise<EntityView> {
  const { ledger, people, store } = room
  const ws = workspace.id
  const places = await placedIn(room, workspace, node, host)
  const [first] = places
  const { attributes, name = node.id } = node
  return {
    reference: await referenceOf(ledger, ws, node),
    kind: node.kind,
    entity: node.id,
    name,
    folder: String(attributes.folder ?? attributes.suffix ?? name.replace(/:[^:]*$/, '')),
    tree: node.digest ?? null,
    ...sizeOf(node),
    author: await authorOf(ledger, people, node.id),
    at: node.at,
    message: messageOf(await statementAt(ledger, node.seq)),
    metrics: (attributes.metrics ?? {}) as Metrics,
    origin: await originOf(ledger, ws, node),
    places,
    about: first ? await aboutOf(room, ws, first.repository) : null,
    card: await cardOf(store, node),
  }
}

async function placedIn(
  { ledger, settings }: Room,
  { id: ws, name }: Workspace,
  { id }: Node,
  requestHost: string,
): Promise<EntityView['places']> {
  const host = settings.publicUrl?.replace(/^[a-z]+:\/\//, '').replace(/\/+$/, '') ?? requestHost
  const places = await placesOf(ledger, ws, id)
  return Promise.all(
    places.map(async ({ repository, number: version }) => {
      const all = await tagsOf(ledger, ws, repository)
      const tags = all.filter(one => one.entity === id).map(one => one.tag)
      const address = `${host}/${name}/${repository}:${tags[0] ?? `v${version}`}`
      return { repository, version, tags, address }
    }),
  )
}
