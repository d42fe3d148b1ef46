/* Where something lies on a Git LFS server: `/lfs/<workspace>[/<repository>]/<endpoint>`. git-lfs adds
 * `.git/info/lfs` to the address of a Git remote, so that may stand before the end point. */
import { KaosError } from '../../api/errors.ts'
import { isRepository } from '../catalogue/pointers.ts'

export const DEFAULT_REPOSITORY = 'lfs'

export type Endpoint =
  | { readonly kind: 'batch' | 'locks' | 'verify-locks' }
  | { readonly kind: 'object' | 'verify'; readonly oid: string }
  | { readonly kind: 'unlock'; readonly id: string }

export interface Location {
  readonly workspace: string
  readonly repository: string
  readonly endpoint: Endpoint
}

const ENDPOINTS: readonly [RegExp, (part: string) => Endpoint][] = [
  [/\/objects\/batch$/, () => ({ kind: 'batch' })],
  [/\/objects\/([0-9a-f]{64})$/, oid => ({ kind: 'object', oid })],
  [/\/objects\/([0-9a-f]{64})\/verify$/, oid => ({ kind: 'verify', oid })],
  [/\/locks$/, () => ({ kind: 'locks' })],
  [/\/locks\/verify$/, () => ({ kind: 'verify-locks' })],
  [/\/locks\/([0-9a-f]{32})\/unlock$/, id => ({ kind: 'unlock', id })],
]

/** What the address of a request below `/lfs` means; NOT_FOUND for nothing. */
export function locationOf(url: string): Location {
  const path = decodeURIComponent(url.split('?', 1)[0] ?? '')
  for (const [form, endpoint] of ENDPOINTS) {
    const match = form.exec(path)
    if (!match) continue
    const place = path.slice('/lfs/'.length, match.index).replace(/(\.git)?(\/info\/lfs)?$/, '')
    const [workspace = '', ...rest] = place.split('/')
    const repository = rest.join('/') || DEFAULT_REPOSITORY
    if (!isRepository(repository)) break
    return { workspace, repository, endpoint: endpoint(match[1] ?? '') }
  }
  const next = 'set lfs.url to <server>/lfs/<workspace> or <server>/lfs/<workspace>/<repository>'
  throw new KaosError('NOT_FOUND', `there is nothing at ${path}; ${next}`)
}
