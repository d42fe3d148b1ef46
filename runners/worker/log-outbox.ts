/* The log of an attempt on its way to the server: first into a file of the worker's, then sent from
 * there, as fast as the server takes it. Nothing is lost while the server is away, and after a crash
 * sending goes on where the server says that it should. */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { LogFile } from '../log-file.ts'
import { LOG_MAX } from '../runner.ts'
import type { AttemptCalls } from './attempts-client.ts'
import { isGone, patiently } from './patience.ts'

const PIECE = 1024 * 1024

export class LogOutbox {
  readonly path: string
  readonly #file: number
  readonly #calls: AttemptCalls
  readonly #quit: AbortSignal
  readonly #lines: LogFile
  #sent = 0
  #closed = false
  #failure: unknown
  #wake: () => void = () => {}
  #sending: Promise<void>

  constructor(path: string, calls: AttemptCalls, quit: AbortSignal) {
    this.path = path
    this.#calls = calls
    this.#quit = quit
    this.#file = openSync(path, 'a', 0o600)
    this.#lines = new LogFile(path)
    quit.addEventListener('abort', () => this.#wake(), { once: true })
    this.#sending = this.#send()
  }

  get size(): number {
    return fstatSync(this.#file).size
  }

  /** Bytes of a program's log, stamped already. */
  append(bytes: Uint8Array): void {
    const room = LOG_MAX - this.size
    const kept = bytes.subarray(0, Math.max(0, room))
    for (let at = 0; at < kept.length; ) at += writeSync(this.#file, kept, at)
    this.#wake()
  }

  /** A line of the runner's own. */
  line(text: string): void {
    this.#lines.line(text)
    this.#wake()
  }

  /** Resolves when the server has all of it, or does not want it any more: then with the reason. */
  async close(): Promise<unknown> {
    this.#closed = true
    this.#wake()
    await this.#sending
    this.#lines.close()
    closeSync(this.#file)
    return this.#failure
  }

  async #send(): Promise<void> {
    const buffer = Buffer.alloc(PIECE)
    const file = await open(this.path, 'r')
    try {
      while (!this.#quit.aborted) {
        const last = this.#closed
        const { bytesRead } = await file.read(buffer, 0, PIECE, this.#sent)
        if (bytesRead > 0) await this.#sendPiece(buffer.subarray(0, bytesRead))
        else if (last) return
        else await this.#more()
      }
    } catch (error) {
      // The attempt is over for the server, or it refuses its log: the outcome is told all the same.
      if (!isGone(error) && !this.#quit.aborted) this.#failure = error
    } finally {
      await file.close()
    }
  }

  async #sendPiece(bytes: Uint8Array): Promise<void> {
    const offset = this.#sent
    this.#sent = await patiently(() => this.#calls.log(offset, bytes, this.#quit), this.#quit)
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
