/* Lists: the tags of a repository, the repositories that the caller may see. In the order of their
 * bytes, a page at a time. */
import type { FastifyReply } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { pointersBelow, repositoryNames, versionsBelow } from '../catalogue/versions.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'
import { builtImages, isShown } from './find.ts'
import { type Call, isBuilt, type Place, type Registry } from './room.ts'
import { repositoryKey } from './show.ts'

/** Of an answer, whatever was asked for. */
const PAGE_MAX = 10_000

export async function listTags(
  registry: Registry,
  { reply, query }: Call,
  place: Place,
): Promise<FastifyReply> {
  const { ws, repository, name } = place
  const own = await ownTags(registry, place)
  if (own.length === 0 && !(await isThere(registry, place))) {
    const message = `there is no repository ${name}; it comes to be with the first push`
    throw new KaosError('REPOSITORY_UNKNOWN', message)
  }
  const prefix = pointerOf.tag(ws, repository, '')
  const last = query.get('last') ?? ''
  const after = prefix + last
  const size = sizeIn(query)
  const found = new Set(own.filter(tag => inOrder(last, tag) < 0))
  let moved = 0
  for await (const pointer of pointersBelow(registry.parts.ledger, prefix, { after })) {
    found.add(pointer.name.slice(prefix.length))
    if (++moved > size) break
  }
  const tags = [...found].sort(inOrder)
  return page(reply, `/v2/${name}/tags/list`, tags, size, shown => ({ name, tags: shown }))
}

export async function listRepositories(
  registry: Registry,
  { request, reply, query }: Call,
): Promise<FastifyReply> {
  const { workspaces } = registry.parts
  const last = query.get('last') ?? ''
  const size = sizeIn(query)
  const found: string[] = []
  const all = (await workspaces.list(request.actor)).sort((a, b) => inOrder(a.name, b.name))
  for (const workspace of all) {
    for (const repository of await repositoriesIn(registry, workspace)) {
      const name = `${workspace.name}/${repository}`
      const place = { workspace, ws: workspace.id, repository, name }
      if (inOrder(last, name) < 0 && (await isThere(registry, place))) found.push(name)
      if (found.length > size) break
    }
    if (found.length > size) break
  }
  return page(reply, '/v2/_catalog', found, size, repositories => ({ repositories }))
}

/** Tags that nobody moved: the versions of data and models, the hashes of images that kaos built. */
async function ownTags(registry: Registry, place: Place): Promise<string[]> {
  const { ledger } = registry.parts
  const { ws, repository } = place
  const tags = new Set<string>()
  if (isBuilt(place, repository)) {
    for await (const image of builtImages(registry, place, repository)) {
      tags.add(image.name!.slice(repository.length + 1))
    }
  }
  for await (const { entity, number } of versionsBelow(ledger, ws, repository)) {
    const node = await ledger.node(entity)
    if (node && isShown(node)) tags.add(`v${number}`)
  }
  return [...tags]
}

/** By name: those with versions, those with manifests alone, those of images that kaos built. */
async function repositoriesIn(registry: Registry, workspace: Workspace): Promise<string[]> {
  const { ledger } = registry.parts
  const { id: ws, name } = workspace
  const names = new Set<string>()
  for await (const repository of repositoryNames(ledger, ws)) names.add(repository)
  const prefix = repositoryKey(ws, '')
  for await (const { key } of recordsBelow(ledger, prefix)) names.add(key.slice(prefix.length))
  for (const purpose of ['train', 'serve']) names.add(`build-${purpose}-${name}`)
  return [...names].sort((a, b) => inOrder(a, b))
}

/** Whether anything can be pulled from it. */
async function isThere(registry: Registry, place: Place): Promise<boolean> {
  const { ledger } = registry.parts
  const { ws, repository } = place
  const prefixes = [pointerOf.oci(ws, repository, ''), pointerOf.tag(ws, repository, '')]
  for (const prefix of prefixes) if (await hasBelow(ledger, prefix)) return true
  for await (const { entity } of versionsBelow(ledger, ws, repository)) {
    const node = await ledger.node(entity)
    if (node && isShown(node)) return true
  }
  if (!isBuilt(place, repository)) return false
  for await (const _ of builtImages(registry, place, repository)) return true
  return false
}

async function hasBelow(ledger: Ledger, prefix: string): Promise<boolean> {
  for await (const _ of pointersBelow(ledger, prefix)) return true
  return false
}

function page(
  reply: FastifyReply,
  path: string,
  names: readonly string[],
  size: number,
  bodyOf: (names: readonly string[]) => object,
): FastifyReply {
  const shown = names.slice(0, size)
  const last = shown.at(-1)
  if (names.length > shown.length && last !== undefined) {
    reply.header('link', `<${path}?n=${size}&last=${encodeURIComponent(last)}>; rel="next"`)
  }
  return reply.type('application/json').send(JSON.stringify(bodyOf(shown)))
}

function sizeIn(query: URLSearchParams): number {
  const asked = query.get('n')
  if (asked === null) return PAGE_MAX
  if (/^\d{1,9}$/.test(asked)) return Math.min(Number(asked), PAGE_MAX)
  throw new KaosError('BAD_REQUEST', 'n is a number of entries, 0 or more')
}

function inOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
