/* The remote as WebDAV shows it (RFC 4918, class 1 without properties of the client's): folders are
 * there by themselves and hold what is in them, so making one changes nothing. */
import type { KeptObject, Objects, Remote } from '../remotes/objects.ts'

/** How deep a PROPFIND looks. Without the header it is this thing alone: the standard says everything
 * below, but who leaves it out asks whether something is there, again and again. */
export type Depth = 0 | 1 | 'infinity'

export function depthIn(header: string | string[] | undefined): Depth {
  if (header === '1') return 1
  return String(header).toLowerCase() === 'infinity' ? 'infinity' : 0
}

type Found =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly object: KeptObject }

const SHARDS = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** The folder and, as deep as was asked, what is in it. `folder`: its path below the remote. */
export async function* foundIn(
  objects: Objects,
  remote: Remote,
  folder: string,
  depth: Depth,
): AsyncGenerator<Found, void, undefined> {
  yield { kind: 'folder', path: folder }
  if (depth === 0) return
  const below = depth === 1 ? 0 : depth
  if (folder === '') yield* foundIn(objects, remote, 'files', below)
  if (folder === 'files') yield* foundIn(objects, remote, 'files/md5', below)
  if (folder === '' || folder === 'files/md5') {
    for (const shard of await shardsIn(objects, remote, folder)) {
      yield* foundIn(objects, remote, shard, below)
    }
    return
  }
  if (folder === 'files') return
  for await (const object of objects.below(remote, `${folder}/`)) {
    yield { kind: 'file', path: object.name, object }
  }
}

/** Those that hold something. */
async function shardsIn(objects: Objects, remote: Remote, folder: string): Promise<string[]> {
  const paths = SHARDS.map(shard => (folder === '' ? shard : `${folder}/${shard}`))
  const filled = await Promise.all(paths.map(path => objects.any(remote, `${path}/`)))
  return paths.filter((_, i) => filled[i])
}

/** The answer to PROPFIND, as XML. `base`: path of the remote in addresses, as the client knows it. */
export async function* multistatus(
  base: string,
  found: AsyncIterable<Found> | Iterable<Found>,
): AsyncGenerator<string, void, undefined> {
  yield '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
  for await (const one of found) yield responseOf(base, one)
  yield '</D:multistatus>\n'
}

function responseOf(base: string, found: Found): string {
  const end = found.kind === 'folder' ? '/' : ''
  const href = [base, found.path].filter(part => part !== '').join('/') + end
  const status = '<D:status>HTTP/1.1 200 OK</D:status>'
  const propstat = `<D:propstat><D:prop>${propertiesOf(found)}</D:prop>${status}</D:propstat>`
  return `<D:response><D:href>${href}</D:href>${propstat}</D:response>\n`
}

function propertiesOf(found: Found): string {
  if (found.kind === 'folder') return '<D:resourcetype><D:collection/></D:resourcetype>'
  const { size, at } = found.object
  return [
    '<D:resourcetype/>',
    `<D:getcontentlength>${size}</D:getcontentlength>`,
    `<D:getlastmodified>${new Date(at).toUTCString()}</D:getlastmodified>`,
    `<D:creationdate>${at}</D:creationdate>`,
    `<D:getetag>"${tagOf(found.path)}"</D:getetag>`,
    '<D:getcontenttype>application/octet-stream</D:getcontenttype>',
  ].join('')
}

/** What stands in an ETag: the content's name. */
export function tagOf(path: string): string {
  return path.replace(/^files\/md5\//, '').replace('/', '')
}
