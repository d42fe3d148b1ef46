/* Bodies of the usual length are read whole before the store sees them: it is then not kept waiting by
 * a slow sender, and their memory is used again and again, which costs the server a third less. */
import { Readable } from 'node:stream'
import { KaosError } from '../../api/errors.ts'
import { BATCH } from '../../api/transfer/batch.ts'
import { CHUNK_MAX } from '../../api/tree.ts'
import { bounded, SILENCE_MS, stopped, tooSlow, WINDOW_BYTES } from './bodies.ts'

/** What our clients send at once, and a little more. */
export const HELD_MAX = BATCH + 2 * CHUNK_MAX
/** Pieces of memory that are kept while nobody uses them. */
const SPARE_MAX = 4

export class HeldBodies {
  readonly #spare: Buffer[] = []
  readonly #silenceMs: number

  constructor(silenceMs: number = SILENCE_MS) {
    this.#silenceMs = silenceMs
  }

  /** Does the work with a body of so many bytes, which can be gone through again and again. Its memory
   * is used for others afterwards. */
  async run<T>(
    body: AsyncIterable<Uint8Array>,
    length: number,
    work: (body: () => AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(HELD_MAX)
    try {
      const room = memory.subarray(0, length)
      const filled =
        body instanceof Readable
          ? await takenFrom(body, room, this.#silenceMs)
          : await gathered(body, room)
      if (filled < length) throw new KaosError('BAD_REQUEST', 'the body was cut; send it again')
      return await work(() => once(room))
    } finally {
      if (this.#spare.length < SPARE_MAX) this.#spare.push(memory)
    }
  }
}

async function gathered(body: AsyncIterable<Uint8Array>, room: Buffer): Promise<number> {
  let filled = 0
  for await (const piece of bounded(body, room.length)) {
    room.set(piece, filled)
    filled += piece.length
  }
  return filled
}

/** The same as the pieces come, without a promise for each: of what a body costs, a fifth. The
 * connection stays as it is, so that the client can be told what was wrong. */
function takenFrom(body: Readable, room: Buffer, silenceMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let filled = 0
    let before = 0
    const take = (piece: Uint8Array) => {
      if (filled + piece.length > room.length) return failed(tooLong(room.length))
      room.set(piece, filled)
      filled += piece.length
    }
    const ended = () => settle(() => resolve(filled))
    const failed = (error: Error) => settle(() => reject(error))
    const look = setInterval(() => {
      if (filled === before) failed(stopped())
      else if (filled - before < WINDOW_BYTES) failed(tooSlow())
      before = filled
    }, silenceMs)
    function settle(tell: () => void) {
      clearInterval(look)
      body.off('data', take).off('end', ended).off('close', ended).off('error', failed)
      // Nobody may listen any more when the connection breaks.
      body.on('error', () => undefined).pause()
      tell()
    }
    look.unref()
    body.on('end', ended).on('close', ended).on('error', failed).on('data', take)
  })
}

function tooLong(most: number): KaosError {
  return new KaosError('TOO_LARGE', `a body has at most ${most} bytes here`)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
