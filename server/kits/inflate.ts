/* Layers that came compressed. */
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { refused } from './refused.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

/** What compresses better than this is made to fill a disk. */
const RATIO_MAX = 200
/** Not counted: little text compresses well. */
const FREE = 64 * 1024 * 1024

export async function* inflated(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') return yield* source
  let came = 0
  let made = 0
  async function* counted() {
    for await (const bytes of source) {
      came += bytes.length
      yield bytes
    }
  }
  const input = Readable.from(counted(), { objectMode: false })
  const inflate = compression === 'gzip' ? createGunzip() : createZstdDecompress()
  input.on('error', error => inflate.destroy(error))
  try {
    for await (const bytes of input.pipe(inflate)) {
      made += bytes.length
      if (made > FREE + came * RATIO_MAX) {
        throw refused(`a layer unpacks to over ${RATIO_MAX} times its size`)
      }
      yield bytes
    }
  } catch (error) {
    throw isCorrupt(error) ? refused(`a layer is damaged, or no ${compression}`, error) : error
  } finally {
    input.destroy()
    inflate.destroy()
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(Z|ZSTD)_/i.test(String(error.code))
}
