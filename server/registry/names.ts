/* What a path below /v2/ asks for. A repository's name may hold slashes and the words that separate it
 * from the rest, so a path is read from its end. It is read raw: each segment is decoded once. */

import { KaosError } from '../../api/errors.ts'
import { WORKSPACE_NAME } from '../../api/ids.ts'
import { isBlobDigest } from '../blobs/blobs.ts'
import { isRepository } from '../catalogue/pointers.ts'

export interface Name {
  readonly workspace: string
  readonly repository: string
  /** `<workspace>/<repository>` */
  readonly full: string
}

export type Target =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'extensions'; readonly name: Name | undefined }
  | { readonly kind: 'uploads'; readonly name: Name }
  | { readonly kind: 'tags'; readonly name: Name }
  | { readonly kind: 'upload'; readonly name: Name; readonly upload: string }
  | { readonly kind: 'blob'; readonly name: Name; readonly digest: string }
  | { readonly kind: 'referrers'; readonly name: Name; readonly digest: string }
  | { readonly kind: 'manifest'; readonly name: Name; readonly reference: string }

/** Undefined for what no route is for. INVALID_NAME or DIGEST_INVALID for names that cannot be. */
export function parseTarget(url: string): Target | undefined {
  const [path = ''] = url.split('?')
  const segments = path.split('/').slice(2).map(decoded)
  const last = segments.at(-1)
  if (segments.length === 0 || (segments.length === 1 && last === '')) return { kind: 'base' }
  if (segments.length === 1 && last === '_catalog') return { kind: 'catalog' }
  if (segments.slice(-3).join('/') === '_oci/ext/discover') {
    const name = segments.length === 3 ? undefined : nameOf(segments.slice(0, -3))
    return { kind: 'extensions', name }
  }
  return parseInRepository(segments)
}

function parseInRepository(segments: string[]): Target | undefined {
  // POST to `blobs/uploads/` and to `blobs/uploads` are the same.
  const parts = segments.at(-1) === '' ? segments.slice(0, -1) : segments
  const [before, word, last] = [parts.at(-3), parts.at(-2), parts.at(-1) ?? '']
  const name = (count: number) => nameOf(parts.slice(0, -count))
  if (word === 'blobs' && last === 'uploads') return { kind: 'uploads', name: name(2) }
  if (parts !== segments) return undefined
  if (before === 'blobs' && word === 'uploads') {
    return { kind: 'upload', name: name(3), upload: last }
  }
  if (word === 'blobs') return { kind: 'blob', name: name(2), digest: requireDigest(last) }
  if (word === 'referrers') return { kind: 'referrers', name: name(2), digest: requireDigest(last) }
  if (word === 'tags' && last === 'list') return { kind: 'tags', name: name(2) }
  if (word === 'manifests') {
    return { kind: 'manifest', name: name(2), reference: requireReference(last) }
  }
  return undefined
}

/** `<workspace>/<repository>`; INVALID_NAME for what cannot be one. */
export function nameOf(segments: readonly string[]): Name {
  const [workspace = '', ...rest] = segments
  const repository = rest.join('/')
  const full = `${workspace}/${repository}`
  if (WORKSPACE_NAME.test(workspace) && isRepository(repository)) {
    return { workspace, repository, full }
  }
  const form = 'names are <workspace>/<repository> in lower case, for example mnist/features'
  throw new KaosError('INVALID_NAME', `${JSON.stringify(full)} cannot be a repository; ${form}`)
}

export function requireDigest(text: string): string {
  if (isBlobDigest(text)) return text
  const form = 'use sha256: and 64, or sha512: and 128 hex digits'
  const shown = JSON.stringify(text.slice(0, 200))
  throw new KaosError('DIGEST_INVALID', `${shown} is no digest; ${form}`)
}

/** A tag is only looked at when something is to be called so. */
function requireReference(text: string): string {
  return text.includes(':') ? requireDigest(text) : text
}

function decoded(segment: string): string {
  try {
    const text = decodeURIComponent(segment)
    if (!text.includes('/') && !text.includes('\0') && text !== '.' && text !== '..') return text
  } catch {
    // Said below.
  }
  throw new KaosError('INVALID_NAME', 'the path cannot be read; encode each segment once, as UTF-8')
}
