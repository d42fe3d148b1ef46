/* The engine's log stream: frames of one byte source (1 stdout, 2 stderr), three zeros, four bytes
 * length and the bytes. Frames come cut anywhere. */
export interface Frame {
  readonly source: number
  readonly bytes: Buffer
}

/** A log entry is at most 16 KiB and a stamp; far more than that is not a log stream. */
const FRAME_MAX = 8 * 1024 * 1024
const HEAD = 8

export interface Frames {
  /** The frames that are whole with this piece. */
  take(piece: Buffer): Generator<Frame>
}

export function framesOf(): Frames {
  let rest: Buffer = Buffer.alloc(0)
  return {
    *take(piece) {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      let at = 0
      while (at + HEAD <= bytes.length) {
        const length = bytes.readUInt32BE(at + 4)
        if (length > FRAME_MAX) throw new Error('the engine sent a broken log stream')
        const end = at + HEAD + length
        if (end > bytes.length) break
        yield { source: bytes[at]!, bytes: bytes.subarray(at + HEAD, end) }
        at = end
      }
      // A copy, so that a short rest does not keep a long piece.
      rest = Buffer.from(bytes.subarray(at))
    },
  }
}
