/* The bytes of an archive, from wherever they come. One that lies in the store as a file was cut at the
 * borders of its members (store/tar-cuts.ts): then a member of some size is a run of whole chunks, and
 * need not be read to become a file by itself. */
import type { Digest } from '../../api/digest.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import { CHUNK_MIN, type Chunk } from '../../api/tree.ts'
import { readChunk } from '../../store/contents.ts'
import type { Store } from '../../store/store.ts'
import { Pull } from './pull.ts'

export interface Archive {
  readonly pull: Pull
  /** The chunks of the next so many bytes, which are then passed over; undefined when their borders
   * are not those of chunks. */
  run(size: number): readonly Chunk[] | undefined
  close(): Promise<void>
}

export function streamed(source: AsyncIterable<Uint8Array>): Archive {
  const all = source[Symbol.asyncIterator]()
  const next = async () => {
    const { done, value } = await all.next()
    return done ? undefined : value
  }
  return {
    pull: new Pull(next),
    run: () => undefined,
    async close() {
      await all.return?.()
    },
  }
}

/** `file` names the list of the archive's chunks. */
export async function stored(store: Pick<Store, 'get'>, file: Digest): Promise<Archive> {
  const chunks = new Chunks(await store.get(file))
  const pull = new Pull(async () => {
    const chunk = chunks.next()
    return chunk && readChunk(store, chunk)
  })
  return {
    pull,
    run: size => (pull.isBetween && size >= CHUNK_MIN ? chunks.run(size) : undefined),
    async close() {},
  }
}

/** A list that is read once, with a look at what comes. */
class Chunks {
  readonly #list: Iterator<Chunk>
  readonly #seen: Chunk[] = []

  constructor(list: Uint8Array) {
    this.#list = chunksIn(list)
  }

  next(): Chunk | undefined {
    return this.#seen.shift() ?? this.#read()
  }

  run(size: number): Chunk[] | undefined {
    let count = 0
    for (let left = size; left > 0; count++) {
      const chunk = this.#seen[count] ?? this.#read()
      if (chunk === undefined) return undefined
      if (count === this.#seen.length) this.#seen.push(chunk)
      left -= chunk.length
      if (left < 0) return undefined
    }
    return this.#seen.splice(0, count)
  }

  #read(): Chunk | undefined {
    const { done, value } = this.#list.next()
    return done ? undefined : value
  }
}
