/** A file of the archive, before it is packed. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { readSmallFile } from '../../store/trees.ts'

export interface Member {
  readonly name: string
  readonly size: number
  readonly executable?: boolean
  readonly bytes: Buffer | (() => AsyncIterable<Uint8Array>)
}

/** What was signed, and manifests, are small. */
export const SMALL_MAX = 4 * 1024 * 1024

/** A small stored file; undefined while it is damaged or lost: who looks at the rest learns that. */
export async function keptBytes(store: Store, digest: Digest): Promise<Buffer | undefined> {
  try {
    return await readSmallFile(store, digest, SMALL_MAX)
  } catch (error) {
    const isLost = isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')
    if (isLost) return undefined
    throw error
  }
}
