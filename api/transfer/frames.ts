/* Reading the frame stream of protocol.ts, from buffers of any sizes. */
import { KaosError } from '../errors.ts'
import { OBJECT_MAX } from '../tree.ts'

const HEADER = 4
/** Small objects share pieces of memory of this size: a piece of its own costs more than its bytes. */
const SLAB = 1024 * 1024

/** What is thrown when the stream ends inside a frame. */
export type Cut = () => KaosError

const bodyCut: Cut = () =>
  new KaosError('BAD_REQUEST', 'the frames end in the middle of an object; send them again')

/** The objects of a frame stream, one after the other. Each is a view of the incoming buffer, or a
 * copy where it spans several. Never holds more than one object and one buffer. TOO_LARGE for a
 * frame over OBJECT_MAX, before its bytes are read. */
export async function* parseFrames(
  source: AsyncIterable<Uint8Array>,
  cut: Cut = bodyCut,
): AsyncGenerator<Buffer, void, undefined> {
  const frames = new Frames(source, cut)
  try {
    for (;;) {
      const length = frames.nextNow() ?? (await frames.next())
      if (length === undefined) return
      yield frames.takeNow(length) ?? (await frames.take(length))
    }
  } finally {
    await frames.close()
  }
}

/** A frame stream that is read at the reader's pace: the length of an object, then its bytes. What
 * ends in `Now` answers at once, or undefined when more must come first. */
export class Frames {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #cut: Cut
  #rest: Buffer = Buffer.alloc(0)
  #slab = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>, cut: Cut = bodyCut) {
    this.#source = source[Symbol.asyncIterator]()
    this.#cut = cut
  }

  nextNow(): number | undefined {
    if (this.#rest.length < HEADER) return undefined
    return lengthIn(this.#consumed(HEADER))
  }

  /** The length of the next object; undefined at the end. */
  async next(): Promise<number | undefined> {
    const header = Buffer.allocUnsafe(HEADER)
    const filled = await this.#fill(header)
    if (filled === 0) return undefined
    if (filled < HEADER) throw this.#cut()
    return lengthIn(header)
  }

  takeNow(length: number): Buffer | undefined {
    return this.#rest.length < length ? undefined : this.#consumed(length)
  }

  /** The object: a view of the incoming buffer, or a copy. */
  async take(length: number): Promise<Buffer> {
    const whole = this.takeNow(length)
    if (whole !== undefined) return whole
    const room = this.#room(length)
    await this.read(room)
    return room
  }

  /** The bytes of the object, put where they are wanted. */
  async read(into: Buffer): Promise<void> {
    if ((await this.#fill(into)) < into.length) throw this.#cut()
  }

  /** No more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  /** How many bytes came: fewer than there is room for only at the end. */
  async #fill(into: Buffer): Promise<number> {
    for (let filled = 0; ; ) {
      const taken = this.#rest.copy(into, filled)
      this.#rest = this.#rest.subarray(taken)
      filled += taken
      if (filled === into.length) return filled
      const { value, done } = await this.#source.next()
      if (done) return filled
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
  }

  #consumed(length: number): Buffer {
    const part = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return part
  }

  #room(length: number): Buffer {
    if (length > SLAB / 4) return Buffer.allocUnsafeSlow(length)
    if (length > this.#slab.length) this.#slab = Buffer.allocUnsafeSlow(SLAB)
    const room = this.#slab.subarray(0, length)
    this.#slab = this.#slab.subarray(length)
    return room
  }
}

function lengthIn(header: Buffer): number {
  const length = header.readUInt32BE()
  if (length <= OBJECT_MAX) return length
  throw new KaosError('TOO_LARGE', `an object may have ${OBJECT_MAX} bytes, not ${length}`)
}
