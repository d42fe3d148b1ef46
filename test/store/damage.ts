import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, rawOf } from '../../api/digest.ts'
import { decodeSegment } from '../../store/packed/segments.ts'

/** Flips a bit of every copy of this object in the store's packs. */
export async function damageIn(folder: string, digest: Digest): Promise<void> {
  const packs = join(folder, 'packs')
  for (const name of await readdir(packs)) {
    if (!name.endsWith('.idx')) continue
    const pack = name.slice(0, -4)
    const objects = decodeSegment(pack, await readFile(join(packs, name))) ?? []
    for (const { raw, offset, length } of objects) {
      if (raw.equals(rawOf(digest))) {
        await flipBit(join(packs, `${pack}.pack`), offset + (length >> 1))
      }
    }
  }
}

export async function flipBit(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, at)
    byte[0]! ^= 1
    await file.write(byte, 0, 1, at)
  } finally {
    await file.close()
  }
}
