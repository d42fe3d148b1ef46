/* Progress on stderr: a bar on a terminal, in the original's look; elsewhere one line at the end. */
import type { Stream } from './look.ts'
import { byteText } from './times.ts'

const BLOCKS = 27
/** A redraw costs more than it shows when it comes more often than this. */
const REDRAW_MS = 50

export class Progress {
  readonly #label: string
  readonly #stream: Stream | undefined
  #drawn = Number.NEGATIVE_INFINITY
  #done = 0

  /** Without a stream nothing is shown. */
  constructor(label: string, stream: Stream | undefined) {
    this.#label = label
    this.#stream = stream
  }

  /** `total` 0 means not known yet. */
  show(done: number, total: number): void {
    this.#done = done
    if (this.#stream?.isTTY !== true) return
    const now = performance.now()
    if (now - this.#drawn < REDRAW_MS && done < total) return
    this.#drawn = now
    const line =
      total > 0 ? barLine(this.#label, done / total) : `${this.#label}: ${byteText(done)}`
    this.#stream.write(`\r\x1b[2K${line}`)
  }

  end(note = byteText(this.#done)): void {
    if (this.#stream === undefined) return
    if (this.#stream.isTTY === true) this.#stream.write(`\r\x1b[2K${barLine(this.#label, 1)}\n`)
    else this.#stream.write(`${this.#label}: ${note}\n`)
  }

  /** Leaves what was drawn and goes to the next line, for the error that follows. */
  stop(): void {
    if (this.#stream?.isTTY === true && this.#drawn > 0) this.#stream.write('\n')
  }
}

export function barLine(label: string, share: number): string {
  const part = Math.min(1, Math.max(0, share))
  const full = Math.floor(part * BLOCKS)
  const percent = String(Math.floor(part * 100)).padStart(3)
  return `${label}: ${percent}%|${'\u2588'.repeat(full)}${' '.repeat(BLOCKS - full)}|`
}
