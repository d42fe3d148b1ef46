/* Why replays came out unlike the original: told by experiment, from runs that differ in one thing
 * only (runs.ts). What no run shows is not claimed. */
import type { Changed, Difference, VerdictView } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import type { ReplayPart, ReplayRun } from '../jobs/records.ts'
import { makingOf } from '../provenance/why/inputs.ts'
import { changedIn } from '../provenance/why/why.ts'
import { differenceOf, type Made } from './compare.ts'
import type { Ran } from './runs.ts'

type Cause = VerdictView['causes'][number]

/** A run with what it made. */
export interface Result extends Ran {
  readonly made: Made | undefined
  /** Entity. */
  readonly output: string | undefined
}

export interface Found {
  readonly agree: boolean | null
  readonly causes: Cause[]
  readonly experiments: string[]
}

const NOTHING = { files: [], metrics: [], changed: [] }

export async function causesOf(
  board: Board,
  replay: ReplayPart,
  results: readonly Result[],
): Promise<Found> {
  return new Search(board, replay, results).run()
}

class Search {
  readonly #board: Board
  readonly #replay: ReplayPart
  readonly #results: readonly Result[]
  readonly #causes: Cause[] = []
  readonly #experiments: string[] = []

  constructor(board: Board, replay: ReplayPart, results: readonly Result[]) {
    this.#board = board
    this.#replay = replay
    this.#results = results
  }

  async run(): Promise<Found> {
    const agree = this.#agreement()
    const recorded = this.#one('again')
    const same = this.#replay.fresh && recorded && this.#isOriginal(recorded)
    if (same) this.#experiments.push('with the recorded packages the result is identical')
    if (this.#one('forced')) {
      await this.#underControl(agree)
    } else if (same) {
      await this.#packages(this.#original(), this.#one('fresh'))
    } else if (recorded && agree) {
      await this.#surroundings(recorded)
    }
    return { agree, causes: this.#causes, experiments: this.#experiments }
  }

  /** Whether the runs that were not touched agree with each other. */
  #agreement(): boolean | null {
    const as = this.#replay.fresh ? 'fresh' : 'again'
    const compared = this.#results.filter(({ run, tree }) => run.as === as && tree !== undefined)
    if (compared.length < 2) return null
    const agree = compared.every(({ tree }) => tree === compared[0]!.tree)
    const how = agree ? 'agree with each other' : 'differ from each other'
    this.#experiments.push(`${compared.length} replays ${how}`)
    return agree
  }

  async #underControl(agree: boolean | null): Promise<void> {
    const [one, other] = [this.#one('forced')!, this.#one('forced-again')!]
    const broken = [one, other].find(({ made }) => made === undefined)
    if (broken) {
      this.#unknown(`a run with seed and clock forced failed: ${broken.reason}`)
      return
    }
    if (one.tree !== other.tree) {
      this.#experiments.push('with seed and clock forced replays still differ')
      const { files, metrics } = await this.#between(one, other)
      const says =
        'neither Python\u2019s random numbers nor its clock alone: threads, a GPU, the network, or a ' +
        'program that is not Python'
      this.#causes.push({ ...NOTHING, what: 'unknown', says, files, metrics })
      return
    }
    this.#experiments.push('with seed and clock forced replays agree')
    await this.#shows('seed', 'randomness', 'random numbers that the program does not seed')
    await this.#shows('clock', 'clock', 'the time of the run goes into the result')
    const fresh = this.#one('forced-fresh')
    if (fresh) await this.#packages(one, fresh)
    const recorded = this.#one('again')
    if (this.#causes.length > 0 || (recorded && this.#isOriginal(recorded))) return
    if (recorded && agree !== false) {
      await this.#surroundings(recorded)
    } else {
      this.#unknown('replays differ, but no other seed, hash seed or clock shows in the result')
    }
  }

  /** Whether changing this one thing shows. */
  async #shows(as: ReplayRun['as'], what: 'randomness' | 'clock', says: string): Promise<void> {
    const [base, changed] = [this.#one('forced'), this.#one(as)]
    const thing = what === 'clock' ? 'clock' : 'seed'
    if (!base?.made || !changed?.made) {
      this.#experiments.push(`the run with another ${thing} failed: ${changed?.reason}`)
      return
    }
    if (base.tree === changed.tree) {
      this.#experiments.push(`another ${thing} changes nothing`)
      return
    }
    this.#experiments.push(`another ${thing} changes the result`)
    const { files, metrics } = await this.#between(base, changed)
    this.#causes.push({ ...NOTHING, what, says, files, metrics })
  }

  async #packages(before: Result | undefined, after: Result | undefined): Promise<void> {
    if (!before?.made || !after?.made) {
      this.#experiments.push(`the run with packages resolved anew failed: ${after?.reason}`)
      return
    }
    const { packages } = await this.#around(before, after)
    if (before.tree === after.tree) {
      this.#experiments.push('packages resolved anew change nothing')
      return
    }
    this.#experiments.push('packages resolved anew change the result')
    const { files, metrics } = await this.#between(before, after)
    const says =
      packages.length === 0
        ? 'the environment was resolved anew to the same packages, and yet the result differs'
        : `packages that are not pinned: ${changesText(packages)}`
    this.#causes.push({ what: 'packages', says, files, metrics, changed: packages })
  }

  /** Replays agree with each other, but not with the original: what is not as it was then? */
  async #surroundings(run: Result): Promise<void> {
    const original = this.#original()
    const { packages, facts } = await this.#around(original, run)
    const { files, metrics } = await this.#between(original, run)
    if (packages.length > 0) {
      const says = `the packages are not those of then: ${changesText(packages)}`
      this.#causes.push({ what: 'packages', says, files, metrics, changed: packages })
    } else if (facts.length > 0) {
      const says = `it ran elsewhere: ${changesText(facts)}`
      this.#causes.push({ what: 'environment', says, files, metrics, changed: facts })
    } else {
      this.#unknown('it ran as then, and replays agree, yet not with the original')
    }
  }

  #unknown(says: string): void {
    this.#causes.push({ ...NOTHING, what: 'unknown', says })
  }

  #one(as: ReplayRun['as']): Result | undefined {
    return this.#results.find(({ run }) => run.as === as)
  }

  #isOriginal({ tree }: Result): boolean {
    return tree === this.#replay.of.tree
  }

  #original(): Result {
    const { tree, metrics, model } = this.#replay.of
    const run: ReplayRun = { as: 'again', forced: null }
    return { run, tree, reason: null, made: { tree, metrics }, output: model }
  }

  async #between(a: Result, b: Result): Promise<{ files: string[]; metrics: string[] }> {
    return namesIn(await differenceOf(this.#board.parts.store, a.made!, b.made!))
  }

  async #around(a: Result, b: Result): Promise<{ packages: Changed[]; facts: Changed[] }> {
    const [one, other] = [await this.#surroundingsOf(a), await this.#surroundingsOf(b)]
    const none = new Map<string, string>()
    return {
      packages: changedIn(one?.packages ?? none, other?.packages ?? none),
      facts: changedIn(one?.facts ?? none, other?.facts ?? none),
    }
  }

  async #surroundingsOf({ output }: Result) {
    const { parts } = this.#board
    const node: Node | undefined =
      output === undefined ? undefined : await parts.ledger.node(output)
    return node && (await makingOf(parts, node)).surroundings
  }
}

export function namesIn({ files, metrics }: Difference): { files: string[]; metrics: string[] } {
  return { files: files.map(({ path }) => path), metrics: metrics.map(({ name }) => name) }
}

const CHANGES_TOLD = 5

function changesText(changed: readonly Changed[]): string {
  const told = changed.slice(0, CHANGES_TOLD).map(({ name, a, b }) => {
    return `${name} ${a ?? 'none'} \u2192 ${b ?? 'none'}`
  })
  const more = changed.length - told.length
  return [...told, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}
