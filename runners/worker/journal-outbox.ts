/* A journal of an attempt (its log, its measurements) on its way to the server: first into a file of
 * the worker's, then sent from there, as fast as the server takes it. Nothing is lost while the server
 * is away, and after a crash sending goes on where the server says that it should. */
import { closeSync, existsSync, fstatSync, openSync, read, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { LOG_MAX } from '../runner.ts'
import { isGone, patiently } from './patience.ts'

const PIECE = 1024 * 1024
const readAt = promisify(read)

/** Sends bytes that begin at this offset; answers the offset up to which the server has it. */
export type SendPiece = (offset: number, bytes: Uint8Array, signal: AbortSignal) => Promise<number>

export class JournalOutbox {
  readonly path: string
  #opened: number | undefined
  readonly #sendTo: SendPiece
  readonly #quit: AbortSignal
  #sent = 0
  #closed = false
  #closing: Promise<unknown> | undefined
  #failure: unknown
  #wake: () => void = () => {}
  #sending: Promise<void>

  constructor(path: string, sendTo: SendPiece, quit: AbortSignal) {
    this.path = path
    this.#sendTo = sendTo
    this.#quit = quit
    // Made when there is something to keep, or by an earlier life of the worker.
    if (existsSync(path)) this.open()
    quit.addEventListener('abort', () => this.#wake(), { once: true })
    this.#sending = this.#send()
  }

  get size(): number {
    return this.#opened === undefined ? 0 : fstatSync(this.#opened).size
  }

  protected open(): number {
    this.#opened ??= openSync(this.path, 'a+', 0o600)
    return this.#opened
  }

  /** Bytes as they are; what has no room is dropped. */
  append(bytes: Uint8Array): void {
    const room = LOG_MAX - this.size
    const kept = bytes.subarray(0, Math.max(0, room))
    for (let at = 0; at < kept.length; ) at += writeSync(this.open(), kept, at)
    this.#wake()
  }

  /** A line of JSON each; dropped when there is no room for all of them. */
  entry(...values: readonly unknown[]): void {
    const lines = Buffer.from(values.map(value => `${JSON.stringify(value)}\n`).join(''))
    if (lines.length > 0 && this.size + lines.length <= LOG_MAX) this.append(lines)
  }

  /** Something was written into the file. */
  protected written(): void {
    this.#wake()
  }

  /** Resolves when the server has all of it, or does not want it any more: then with the reason. */
  close(): Promise<unknown> {
    this.#closing ??= this.end()
    return this.#closing
  }

  protected async end(): Promise<unknown> {
    this.#closed = true
    this.#wake()
    await this.#sending
    if (this.#opened !== undefined) closeSync(this.#opened)
    return this.#failure
  }

  async #send(): Promise<void> {
    try {
      while (!this.#quit.aborted) {
        const last = this.#closed
        const bytes = await this.#next()
        if (bytes.length > 0) await this.#sendPiece(bytes)
        else if (last) return
        else await this.#more()
      }
    } catch (error) {
      // The attempt is over for the server, or it refuses this: the outcome is told all the same.
      if (!isGone(error) && !this.#quit.aborted) this.#failure = error
    }
  }

  /** What is in the file and was not sent: no room is taken for what is not there. */
  async #next(): Promise<Uint8Array> {
    const length = Math.min(PIECE, this.size - this.#sent)
    if (length <= 0) return new Uint8Array()
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await readAt(this.open(), bytes, 0, length, this.#sent)
    return bytes.subarray(0, bytesRead)
  }

  async #sendPiece(bytes: Uint8Array): Promise<void> {
    const offset = this.#sent
    this.#sent = await patiently(() => this.#sendTo(offset, bytes, this.#quit), this.#quit)
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, 1000)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#closed || this.#quit.aborted) this.#wake()
    })
  }
}
