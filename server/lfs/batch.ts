/* The batch API: for each object, where to bring it or to get it. */
import { KaosError } from '../../api/errors.ts'
import type { Objects, Remote } from '../remotes/objects.ts'
import type { BatchRequest } from './wire.ts'

interface Action {
  readonly href: string
}

interface Told {
  readonly oid: string
  readonly size: number
  readonly actions?: Readonly<Record<string, Action>>
  readonly error?: { readonly code: number; readonly message: string }
}

export interface BatchAnswer {
  readonly transfer: 'basic'
  readonly objects: readonly Told[]
  readonly hash_algo: 'sha256'
}

const OID = /^[0-9a-f]{64}$/

/** `base`: address of the remote. */
export async function batch(
  objects: Objects,
  remote: Remote,
  base: string,
  { operation, transfers, hash_algo, objects: asked }: BatchRequest,
): Promise<BatchAnswer> {
  if (transfers !== undefined && transfers.length > 0 && !transfers.includes('basic')) {
    throw new KaosError('BAD_REQUEST', 'objects are moved here by the transfer adapter basic')
  }
  if (hash_algo !== undefined && hash_algo !== 'sha256') {
    throw new KaosError('CONFLICT', `objects are named here by sha256, not ${hash_algo}`)
  }
  const told: Told[] = []
  for (const { oid, size } of asked) {
    const isObject = OID.test(oid) && Number.isSafeInteger(size) && size >= 0
    if (!isObject) told.push({ oid, size, error: { code: 422, message: 'this is no object' } })
    else if (operation === 'upload') told.push(await upload(objects, remote, base, oid, size))
    else told.push(await download(objects, remote, base, oid, size))
  }
  return { transfer: 'basic', objects: told, hash_algo: 'sha256' }
}

async function upload(
  objects: Objects,
  remote: Remote,
  base: string,
  oid: string,
  size: number,
): Promise<Told> {
  const { object } = await objects.look(remote, oid)
  if (object !== undefined && object.size === size) return { oid, size }
  if (object !== undefined) {
    const message = `the object has ${object.size} bytes, not ${size}`
    return { oid, size, error: { code: 422, message } }
  }
  const href = `${base}/objects/${oid}`
  return { oid, size, actions: { upload: { href }, verify: { href: `${href}/verify` } } }
}

async function download(
  objects: Objects,
  remote: Remote,
  base: string,
  oid: string,
  size: number,
): Promise<Told> {
  const { object } = await objects.look(remote, oid)
  if (object !== undefined) {
    return { oid, size: object.size, actions: { download: { href: `${base}/objects/${oid}` } } }
  }
  const message = 'the object is not here; push it from where it is: git lfs push --all'
  return { oid, size, error: { code: 404, message } }
}
