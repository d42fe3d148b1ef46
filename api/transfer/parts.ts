/* What a tree needs, folder by folder, for a receiver that has some of it. Sender and receiver go the
 * same way, so that nothing but the objects need be sent. */
import type { Digest } from '../digest.ts'
import { KaosError } from '../errors.ts'
import { type Chunk, decodeTree, EMPTY_FILE, type Entry, segmentsOf } from '../tree.ts'
import { DEPTH_MAX } from './protocol.ts'

export interface Folder {
  /** Below the tree, with `/`; the first of the folders with these entries. */
  readonly path: string
  readonly digest: Digest
  readonly entries: readonly Entry[]
}

/** Every folder of the tree, each before those below it. Of equal ones only the first, unless `each`.
 * `read` is asked for the encoding of each different tree once. */
export async function* foldersOf(
  tree: Digest,
  read: (tree: Digest) => Promise<Uint8Array>,
  each: 'different' | 'each' = 'different',
): AsyncGenerator<Folder, void, undefined> {
  const seen = new Set<Digest>()
  const waiting = [{ path: '', digest: tree, depth: 0 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, digest, depth } = next
    if (each === 'different' && seen.has(digest)) continue
    if (depth > DEPTH_MAX) throw new KaosError('BAD_REQUEST', 'the tree is too deep')
    seen.add(digest)
    const entries = decodeTree(await read(digest))
    yield { path, digest, entries }
    for (const entry of entries.toReversed()) {
      if (entry.kind !== 'folder') continue
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      waiting.push({ path: below, digest: entry.digest, depth: depth + 1 })
    }
  }
}

/** What lies in a folder itself: its segments, then its other files by their lists. Empty files need
 * nothing. */
export interface Parts {
  readonly segments: readonly Chunk[]
  readonly files: readonly Entry[]
}

/** What has come already. Apart, because a segment may hold the very bytes of a file list. */
export class Met {
  readonly segments = new Set<Digest>()
  readonly files = new Set<Digest>()
}

/** The parts of a folder that are chosen and have not been met before; then they have. */
export function partsOf(
  { entries }: Pick<Folder, 'entries'>,
  chosen: (part: Digest) => boolean,
  met: Met,
): Parts {
  const fresh = (known: Set<Digest>) => (part: { digest: Digest }) => {
    if (known.has(part.digest) || !chosen(part.digest)) return false
    known.add(part.digest)
    return true
  }
  const whole = entries.filter(
    one => one.kind !== 'folder' && one.within === undefined && one.digest !== EMPTY_FILE,
  )
  return {
    segments: segmentsOf(entries).filter(fresh(met.segments)),
    files: whole.filter(fresh(met.files)),
  }
}
