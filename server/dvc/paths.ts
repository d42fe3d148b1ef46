/* Where something lies on a DVC remote: `/dvc/<workspace>[/<repository>]/<place>`.
 *
 *   files/md5/<2 hex>/<30 hex>[.dir]   since DVC 3
 *   <2 hex>/<30 hex>[.dir]             DVC 2, which hashed texts with LF for CR LF
 *
 * A repository's name may hold slashes, so the place is told from the end. That leaves a few names
 * which cannot be a repository's here: those with a part `files` or of two hex digits. */
import { KaosError } from '../../api/errors.ts'
import { isRepository } from '../catalogue/pointers.ts'

export const DEFAULT_REPOSITORY = 'dvc'

export type Place =
  | { readonly kind: 'object'; readonly object: DvcObject }
  /** A folder of the remote: of all objects whose path begins with `prefix`. */
  | { readonly kind: 'folder'; readonly folder: string }

export interface DvcObject {
  /** Below the remote: `files/md5/ab/cdef…` */
  readonly path: string
  /** 32 hex digits. */
  readonly md5: string
  /** Whether it is the list of a folder's files. */
  readonly isFolder: boolean
  readonly layout: Layout
}

export type Layout = 'dvc3' | 'dvc2'
const ROOTS = { dvc3: 'files/md5/', dvc2: '' } as const satisfies Record<Layout, string>

export interface Location {
  readonly workspace: string
  readonly repository: string
  readonly place: Place
  /** Path of the remote itself, as the caller wrote it. */
  readonly base: string
}

const OBJECT = /(?:^|\/)(files\/md5\/)?([0-9a-f]{2})\/([0-9a-f]{30})(\.dir)?$/
const FOLDER = /(?:^|\/)(files|files\/md5|(?:files\/md5\/)?[0-9a-f]{2})$/
const RESERVED = /^(files|[0-9a-f]{2})$/

/** What the address of a request below `/dvc` means; NOT_FOUND for nothing. */
export function locationOf(url: string): Location {
  const [, workspace, ...parts] = partsOf(url)
  if (workspace === undefined) throw nothingAt(url)
  const rest = parts.join('/')
  const { place, length } = placeIn(rest)
  const name = rest.slice(0, rest.length - length)
  const base = name === '' ? `/dvc/${workspace}` : `/dvc/${workspace}/${name}`
  if (name === '') return { workspace, repository: DEFAULT_REPOSITORY, place, base }
  if (!isRepository(name) || name.split('/').some(part => RESERVED.test(part))) throw nothingAt(url)
  return { workspace, repository: name, place, base }
}

/** The place at the end of a path, and how much of it that is. */
function placeIn(rest: string): { place: Place; length: number } {
  const [all, root, shard = '', name = '', dir] = OBJECT.exec(rest) ?? []
  if (all !== undefined) {
    const layout = root === undefined ? 'dvc2' : 'dvc3'
    const object = objectOf(layout, shard + name, dir !== undefined)
    return { place: { kind: 'object', object }, length: all.length }
  }
  const [end = '', folder = ''] = FOLDER.exec(rest) ?? []
  return { place: { kind: 'folder', folder }, length: end.length }
}

export function objectOf(layout: Layout, md5: string, isFolder: boolean): DvcObject {
  const name = `${md5.slice(0, 2)}/${md5.slice(2)}${isFolder ? '.dir' : ''}`
  return { path: `${ROOTS[layout]}${name}`, md5, isFolder, layout }
}

/** The object that a path below the remote names. */
export function objectAt(path: string): DvcObject {
  const [, root, shard = '', name = '', dir] = OBJECT.exec(path) ?? []
  return objectOf(root === undefined ? 'dvc2' : 'dvc3', shard + name, dir !== undefined)
}

/** The parts of a path, each decoded once. */
function partsOf(url: string): string[] {
  const path = url.split('?', 1)[0] ?? ''
  return path
    .split('/')
    .filter(part => part !== '')
    .map(part => decodeURIComponent(part))
}

function nothingAt(url: string): KaosError {
  const next = 'a remote is <server>/dvc/<workspace> or <server>/dvc/<workspace>/<repository>'
  const path = url.split('?', 1)[0]
  return new KaosError('NOT_FOUND', `there is nothing at ${path}; ${next}`)
}
