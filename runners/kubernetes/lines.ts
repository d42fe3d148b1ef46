/* From the cluster's log stream to the lines of `dir/log`. Each line comes with a time of the node's:
 * `2026-11-21T00:38:54.893069765Z text`. A pure function of these lines: the same ones always give the
 * same bytes, so that a log can be continued at any byte after it is read again from a cursor on. */

import type { Cursor } from '../records.ts'
import { LOG_MAX } from '../runner.ts'

/** A longer line is cut into several, so that a program that never ends its line fills no memory. */
const LINE_MAX = 1024 * 1024
const STAMP_SIZE = '[YYYY-MM-DD HH:MM:SS] '.length
const NEWLINE = 0x0a
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const LAST_LINE = Buffer.from('the log is full: what came after was dropped\n')

export class LogLines {
  readonly #room: number
  readonly #from: Cursor | undefined
  #rest: Buffer[] = []
  #restSize = 0
  #time: string
  #same: number
  /** Entries of the cursor's time that were met again. */
  #met = 0
  #written: number
  #full = false

  /** What comes up to the cursor was written already. */
  constructor(from?: Cursor, max: number = LOG_MAX) {
    this.#from = from
    this.#time = from?.time ?? ''
    this.#same = from?.same ?? 0
    this.#written = from?.size ?? 0
    this.#room = max - STAMP_SIZE - LAST_LINE.length
  }

  /** Nothing more will come: the log is as long as it may be. */
  get full(): boolean {
    return this.#full
  }

  /** Where to go on after what was taken; the size counts this function's own bytes. */
  get cursor(): Cursor {
    return { time: this.#time, same: this.#same, size: this.#written }
  }

  /** The lines that end with this piece of the stream. */
  take(piece: Buffer): Buffer {
    const out: Buffer[] = []
    let at = 0
    for (;;) {
      const end = piece.indexOf(NEWLINE, at)
      if (end < 0) break
      this.#line(this.#whole(piece.subarray(at, end + 1)), out)
      at = end + 1
    }
    if (at < piece.length) {
      // A copy: an unfinished line must not keep the piece that it came in.
      this.#rest.push(Buffer.from(piece.subarray(at)))
      this.#restSize += piece.length - at
    }
    if (this.#restSize > LINE_MAX) this.#cut(out)
    return Buffer.concat(out)
  }

  /** The line that was never ended. */
  flush(): Buffer {
    if (this.#restSize === 0) return Buffer.alloc(0)
    return this.take(Buffer.of(NEWLINE))
  }

  /** Ends the line and goes on with one of the same time. */
  #cut(out: Buffer[]): void {
    const line = this.#whole(Buffer.of(NEWLINE))
    const time = line.subarray(0, line.indexOf(0x20) + 1)
    this.#line(line, out)
    this.#rest = [Buffer.from(time)]
    this.#restSize = time.length
  }

  #whole(end: Buffer): Buffer {
    if (this.#restSize === 0) return end
    const whole = Buffer.concat([...this.#rest, end])
    this.#rest = []
    this.#restSize = 0
    return whole
  }

  #line(line: Buffer, out: Buffer[]): void {
    if (this.#full) return
    const space = line.indexOf(0x20)
    const time = line.toString('latin1', 0, Math.max(0, space))
    // What has no time is no line of the program: the node says that it cannot read on.
    if (!TIME.test(time) || this.#isOld(time)) return
    const text = line.subarray(space + 1)
    const stamp = Buffer.from(`[${time.slice(0, 19).replace('T', ' ')}] `, 'latin1')
    if (this.#written + stamp.length + text.length > this.#room) {
      this.#full = true
      out.push(stamp, LAST_LINE)
      this.#written += stamp.length + LAST_LINE.length
      return
    }
    this.#written += stamp.length + text.length
    out.push(stamp, text)
  }

  /** Whether it was taken before the cursor; counts it if not. */
  #isOld(time: string): boolean {
    const from = this.#from
    if (from !== undefined) {
      const order = compareTimes(time, from.time)
      if (order < 0) return true
      if (order === 0 && ++this.#met <= from.same) return true
    }
    if (time === this.#time) this.#same++
    else {
      this.#time = time
      this.#same = 1
    }
    return false
  }
}

/** Times have as many digits as they need, so their texts do not sort. */
function compareTimes(a: string, b: string): number {
  const [x, y] = [sortable(a), sortable(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

function sortable(time: string): string {
  const [whole = '', part = ''] = time.slice(0, -1).split('.')
  return `${whole}.${part.padEnd(9, '0')}`
}
