/* Reading and writing the frame stream of protocol.ts, from and in buffers of any sizes. */
import { KaosError } from '../errors.ts'
import { OBJECT_MAX } from '../tree.ts'

const HEADER = 4

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
  const parts = new Parts()
  let length: number | undefined
  for await (const bytes of source) {
    parts.add(bytes)
    for (;;) {
      const part = parts.take(length ?? HEADER)
      if (part === undefined) break
      if (length === undefined) {
        length = lengthIn(part)
      } else {
        length = undefined
        yield part
      }
    }
  }
  if (length !== undefined || parts.started) throw cut()
}

/** Parts of wanted lengths, cut from a stream of buffers. */
class Parts {
  #rest: Buffer = Buffer.alloc(0)
  #part: Buffer | undefined
  #filled = 0

  /** Whether some but not all bytes of the next part have come. */
  get started(): boolean {
    return this.#filled > 0
  }

  add(bytes: Uint8Array): void {
    this.#rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The next part, or undefined when more bytes must come first. */
  take(length: number): Buffer | undefined {
    if (this.#part === undefined && this.#rest.length >= length) {
      const whole = this.#rest.subarray(0, length)
      this.#rest = this.#rest.subarray(length)
      return whole
    }
    this.#part ??= Buffer.allocUnsafeSlow(length)
    const taken = this.#rest.copy(this.#part, this.#filled)
    this.#rest = this.#rest.subarray(taken)
    this.#filled += taken
    if (this.#filled < length) return undefined
    const whole = this.#part
    this.#part = undefined
    this.#filled = 0
    return whole
  }
}

function lengthIn(header: Buffer): number {
  const length = header.readUInt32BE()
  if (length <= OBJECT_MAX) return length
  throw new KaosError('TOO_LARGE', `an object may have ${OBJECT_MAX} bytes, not ${length}`)
}
