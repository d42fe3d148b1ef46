/* Bodies of the usual length are read whole before the store sees them: it is then not kept waiting by
 * a slow sender, and their memory is used again and again, which costs the server a third less. */
import { KaosError } from '../../api/errors.ts'
import { BATCH } from '../../api/transfer/batch.ts'
import { CHUNK_MAX } from '../../api/tree.ts'
import { bounded } from './bodies.ts'

/** What our clients send at once, and a little more. */
export const HELD_MAX = BATCH + 2 * CHUNK_MAX
/** Pieces of memory that are kept while nobody uses them. */
const SPARE_MAX = 4

export class HeldBodies {
  readonly #spare: Buffer[] = []

  /** Does the work with a body of so many bytes, which can be gone through again and again. Its memory
   * is used for others afterwards. */
  async run<T>(
    body: AsyncIterable<Uint8Array>,
    length: number,
    work: (body: () => AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(HELD_MAX)
    try {
      let filled = 0
      for await (const piece of bounded(body, length)) {
        memory.set(piece, filled)
        filled += piece.length
      }
      if (filled < length) throw new KaosError('BAD_REQUEST', 'the body was cut; send it again')
      return await work(() => once(memory.subarray(0, length)))
    } finally {
      if (this.#spare.length < SPARE_MAX) this.#spare.push(memory)
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
