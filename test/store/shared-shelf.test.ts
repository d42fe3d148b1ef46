import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, rawOf } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import { decodeSegment } from '../../store/packed/segments.ts'
import { openPackedStore } from '../../store/packed/store.ts'
import { type Bench, storeConformance } from './conformance.ts'
import { SharedShelf } from './shared-shelf.ts'
import { sharingConformance } from './sharing.ts'

async function prepare(): Promise<Bench> {
  const files: SharedShelf['files'] = new Map()
  const folder = await mkdtemp(join(tmpdir(), 'kaos-store-'))
  return {
    open() {
      const owner = newId()
      const catalog = join(folder, `${owner}.sqlite`)
      return openPackedStore({ shelf: new SharedShelf(files), catalog, owner })
    },
    damage: async digest => damage(files, digest),
    dispose: () => rm(folder, { recursive: true }),
  }
}

function damage(files: SharedShelf['files'], digest: Digest): void {
  for (const [name, { bytes }] of [...files]) {
    const pack = /^packs\/(.*)\.idx$/.exec(name)?.[1]
    if (pack === undefined) continue
    for (const { raw, offset, length } of decodeSegment(pack, bytes) ?? []) {
      const file = files.get(`packs/${pack}.pack`)
      if (raw.equals(rawOf(digest)) && file !== undefined) file.bytes[offset + (length >> 1)]! ^= 1
    }
  }
}

storeConformance('a shared shelf', prepare)
sharingConformance('a shared shelf', prepare)
