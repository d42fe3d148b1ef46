/* From the engine's log stream to the lines of `dir/log`. A pure function of the engine's entries,
 * which come with times of the engine's own: the same entries always give the same bytes, so a log
 * that is read a second time can be continued at any byte.
 *
 * An entry starts with `2026-11-21T00:38:54.893069765Z `. One without a line end is a piece of a long
 * line; the next entry of the same source goes on with it. */
import { LOG_MAX } from '../runner.ts'
import { framesOf } from './frames.ts'

/** A longer line is cut, so that a program that never ends its line fills no memory. */
const LINE_MAX = 1024 * 1024
const NEWLINE = Buffer.from('\n')
const LAST_LINE = Buffer.from('the log is full: what came after was dropped\n')
const STAMP_SIZE = '[YYYY-MM-DD HH:MM:SS] '.length

interface Unfinished {
  pieces: Buffer[]
  size: number
}

export class LogStamps {
  readonly #frames = framesOf()
  readonly #unfinished = new Map<number, Unfinished>()
  readonly #room: number
  #second = ''
  #stamp = Buffer.alloc(0)
  #written = 0
  #full = false
  #last = ''

  /** `max`: bytes of the log, the last line included that says what was dropped. */
  constructor(max: number = LOG_MAX) {
    this.#room = max - STAMP_SIZE - LAST_LINE.length
  }

  /** Nothing more will come: the log is as long as it may be. */
  get full(): boolean {
    return this.#full
  }

  /** The engine's time of the last entry. */
  get last(): string {
    return this.#last
  }

  /** The lines that end with this piece of the stream. */
  take(piece: Buffer): Buffer {
    const out: Buffer[] = []
    for (const { source, bytes } of this.#frames.take(piece)) {
      if (this.#full) break
      this.#entry(source, bytes, out)
    }
    return Buffer.concat(out)
  }

  /** The lines that were never ended, in the order of their sources. */
  flush(): Buffer {
    const out: Buffer[] = []
    for (const source of [...this.#unfinished.keys()].sort()) this.#end(source, out)
    return Buffer.concat(out)
  }

  #entry(source: number, bytes: Buffer, out: Buffer[]): void {
    const space = bytes.indexOf(0x20)
    const text = bytes.subarray(space + 1)
    const line = this.#unfinished.get(source)
    this.#last = bytes.toString('latin1', 0, space)
    const ends = text.at(-1) === 0x0a
    if (line === undefined && ends) {
      this.#write([this.#stampOf(bytes), text], out)
      return
    }
    const begun = line ?? { pieces: [Buffer.from(this.#stampOf(bytes))], size: 0 }
    // Copies: an unfinished line must not keep the pieces of the stream that it came in.
    begun.pieces.push(Buffer.from(ends ? text.subarray(0, -1) : text))
    begun.size += text.length
    this.#unfinished.set(source, begun)
    if (ends || begun.size >= LINE_MAX) this.#end(source, out)
  }

  #end(source: number, out: Buffer[]): void {
    const line = this.#unfinished.get(source)
    this.#unfinished.delete(source)
    if (line !== undefined) this.#write([...line.pieces, NEWLINE], out)
  }

  #write(pieces: Buffer[], out: Buffer[]): void {
    if (this.#full) return
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (this.#written + size > this.#room) {
      this.#full = true
      out.push(this.#stamp, LAST_LINE)
      return
    }
    this.#written += size
    out.push(...pieces)
  }

  /** `[YYYY-MM-DD HH:MM:SS] ` of an entry's time. */
  #stampOf(bytes: Buffer): Buffer {
    const second = bytes.toString('latin1', 0, 19)
    if (second !== this.#second) {
      this.#second = second
      this.#stamp = Buffer.from(`[${second.replace('T', ' ')}] `, 'latin1')
    }
    return this.#stamp
  }
}
