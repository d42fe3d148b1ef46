/** The log of an attempt: what its program writes, stamped already, and lines of the worker's own. */
import { LogFile } from '../log-file.ts'
import { JournalOutbox, type SendPiece } from './journal-outbox.ts'

export class LogOutbox extends JournalOutbox {
  readonly #lines: LogFile

  constructor(path: string, sendTo: SendPiece, quit: AbortSignal) {
    super(path, sendTo, quit)
    this.open()
    this.#lines = new LogFile(path)
  }

  /** A line of the runner's own. */
  line(text: string): void {
    this.#lines.line(text)
    this.written()
  }

  protected override async end(): Promise<unknown> {
    const failure = await super.end()
    this.#lines.close()
    return failure
  }
}
