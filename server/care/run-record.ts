/* How far something in the background is: in memory while it runs here, and in a record, so that
 * another server, and this one after a restart, can tell. Written at most once a second. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Json, Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'

const WRITTEN_EVERY_MS = 1000

export class RunRecord<T extends object> {
  readonly #ledger: Ledger
  readonly #agent: string
  readonly #key: string
  #now: T | undefined
  #written = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(ledger: Ledger, agent: string, key: string) {
    this.#ledger = ledger
    this.#agent = agent
    this.#key = key
  }

  /** What runs here, else what was written last. */
  async last(): Promise<T | undefined> {
    if (this.#now) return this.#now
    return (await recordAt(this.#ledger, this.#key))?.value as unknown as T | undefined
  }

  async begin(value: T): Promise<void> {
    this.#now = value
    await this.#write()
  }

  /** Changes what runs; it is written soon. */
  change(part: Partial<T>): void {
    if (this.#now === undefined) return
    this.#now = { ...this.#now, ...part }
    if (performance.now() - this.#written < WRITTEN_EVERY_MS) return
    // What is not written now is written the next time: progress may be lost, never the end.
    this.#write().catch(() => undefined)
  }

  /** Durable when it resolves. */
  async save(part: Partial<T>): Promise<void> {
    if (this.#now === undefined) return
    this.#now = { ...this.#now, ...part }
    await this.#write()
  }

  /** Lets go of what does not run here any more: the record says how far it came. */
  async leave(): Promise<void> {
    await this.#write().catch(() => undefined)
    this.#now = undefined
  }

  async end(part: Partial<T>): Promise<void> {
    await this.save(part)
    this.#now = undefined
  }

  #write(): Promise<void> {
    this.#written = performance.now()
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        if (this.#now === undefined) return
        const value = this.#now as unknown as Json
        await this.#ledger.commit({
          actor: this.#agent,
          organisation: DEFAULT_ORGANISATION,
          records: [{ key: this.#key, value }],
        })
      })
    return this.#writing
  }
}
