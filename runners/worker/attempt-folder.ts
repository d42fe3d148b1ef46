/* What a worker keeps of an attempt, so that after a crash it goes on where it was. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Report, WorkOrder } from '../../api/attempts.ts'
import { bootId } from '../boot.ts'
import { readWritten, writeDurably, writeForThisBoot } from '../durably.ts'
import { emptyFolder, removeFolder } from '../remove-folder.ts'
import type { Place, Runner } from '../runner.ts'

export interface Progress {
  /** When the attempt came to this worker. */
  readonly claimedAt: string
  /** Starts of a service, beginning with 1. */
  readonly starts: number
  /** Bytes of the log that came from starts before this one. */
  readonly logBase: number
  /** The latest start of a service that has answered. */
  readonly served?: number
  /** Kept once all its bytes are stored, so that it can be said again and again. */
  readonly report?: Report
}

/** `order.json`. */
type Kept = WorkOrder & Pick<Progress, 'claimedAt'> & { readonly boot?: string }

/** How the runner wants files to be kept. */
type Keeping = Pick<Runner, 'afterBoot'>

const FIRST = { starts: 1, logBase: 0 } as const

export class AttemptFolder {
  readonly path: string
  readonly order: WorkOrder
  /** Whether the host ended its work: what runner and program have left may have holes, and only a
   * report that was kept counts. */
  readonly cutShort: boolean
  readonly #keep: (path: string, value: unknown) => void
  #progress: Progress

  private constructor(
    path: string,
    { claimedAt, boot, ...order }: Kept,
    { afterBoot }: Keeping,
    progress?: Progress,
  ) {
    this.path = path
    this.order = order
    this.cutShort = afterBoot !== 'work' && boot !== undefined && boot !== bootId()
    this.#keep = afterBoot === 'nothing' ? writeForThisBoot : writeDurably
    this.#progress = progress ?? { ...FIRST, claimedAt }
  }

  static async create(root: string, order: WorkOrder, keeping: Keeping): Promise<AttemptFolder> {
    const path = join(root, order.attempt)
    const boot = bootId()
    const kept: Kept = { ...order, claimedAt: new Date().toISOString(), ...(boot && { boot }) }
    await emptyFolder(path, 0o700)
    const folder = new AttemptFolder(path, kept, keeping)
    // The token within is why nobody else may read it.
    folder.#keep(join(path, 'order.json'), kept)
    return folder
  }

  /** What an earlier life of the worker left; undefined if it did not come so far as to be known. */
  static async find(
    root: string,
    attempt: string,
    keeping: Keeping,
  ): Promise<AttemptFolder | undefined> {
    const path = join(root, attempt)
    try {
      const kept = JSON.parse(await readFile(join(path, 'order.json'), 'utf8')) as Kept
      const progress = readWritten<Progress>(join(path, 'progress.json'))
      return new AttemptFolder(path, kept, keeping, progress)
    } catch {
      return undefined
    }
  }

  get progress(): Progress {
    return this.#progress
  }

  advance(changes: Partial<Progress>): void {
    this.#progress = { ...this.#progress, ...changes }
    this.#keep(join(this.path, 'progress.json'), this.#progress)
  }

  /** Where the runner works. Each start of a service has a place of its own. */
  get place(): Place {
    return { attempt: this.order.attempt, dir: join(this.path, `place-${this.#progress.starts}`) }
  }

  get log(): string {
    return join(this.path, 'log')
  }

  get measurements(): string {
    return join(this.path, 'measurements')
  }

  get metrics(): string {
    return join(this.path, 'metrics')
  }

  get hyper(): string {
    return join(this.path, 'hyper')
  }

  get forced(): string {
    return join(this.path, 'forced')
  }

  get out(): string {
    return join(this.path, 'out')
  }

  async remove(): Promise<void> {
    // First of all, so that a half removed folder is not taken for an attempt.
    await rm(join(this.path, 'order.json'), { force: true })
    await removeFolder(this.path)
  }
}
