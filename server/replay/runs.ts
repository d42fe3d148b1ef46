/* The runs of a replay. First those that are compared with the original. When their bytes differ, runs
 * follow that look for the cause, each unlike another in one thing only:
 *
 *   again          as the original ran: do replays agree with each other?
 *   forced         with random numbers and clock forced, twice: does anything else vary?
 *   seed, clock    like `forced`, but with another seed, or at another time: does that show?
 *   forced-fresh   like `forced`, but with packages resolved anew: does that show? */
import type { Digest } from '../../api/digest.ts'
import type { JobRecord, ReplayPart, ReplayRun, TrainPart } from '../jobs/records.ts'

/** What came of a run. */
export interface Ran {
  readonly run: ReplayRun
  /** Undefined when it failed. */
  readonly tree: Digest | undefined
  readonly reason: string | null
}

const SEED = 1
const OTHER_SEED = 2
/** More than a year later, at another hour, minute and second. */
const LATER_MS = ((400 * 24 + 1) * 3600 + 61) * 1000

export function firstRuns({ times, fresh }: Pick<ReplayPart, 'times' | 'fresh'>): ReplayRun[] {
  const run: ReplayRun = { as: fresh ? 'fresh' : 'again', forced: null }
  return Array.from({ length: times }, () => run)
}

/** The runs to come, once all planned so far have ended; none when there is nothing more to learn. */
export function nextRuns(replay: ReplayPart, ran: readonly Ran[]): ReplayRun[] {
  const { of, fresh, explain } = replay
  const tree = (as: ReplayRun['as']) => ran.find(one => one.run.as === as)?.tree
  const has = (as: ReplayRun['as']) => ran.some(one => one.run.as === as)
  const compared = ran.filter(({ run }) => run.as === (fresh ? 'fresh' : 'again'))
  if (explain === 'never' || compared.some(one => one.tree === undefined)) return []
  const always = explain === 'always'
  if (!always && compared.every(one => one.tree === of.tree)) return []
  const again: ReplayRun = { as: 'again', forced: null }
  if (fresh && !has('again')) return [again]
  // As recorded it comes out the same: what differs are the packages.
  if (!always && fresh && tree('again') === of.tree) return []
  const forced = { seed: SEED, clock: of.startedAt }
  if (!has('forced')) {
    const pair: ReplayRun[] = [
      { as: 'forced', forced },
      { as: 'forced-again', forced },
    ]
    return compared.length > 1 || fresh ? pair : [again, ...pair]
  }
  const steady = tree('forced') !== undefined && tree('forced') === tree('forced-again')
  if (!steady || has('seed')) return []
  const later = new Date(Date.parse(of.startedAt) + LATER_MS).toISOString()
  return [
    { as: 'seed', forced: { ...forced, seed: OTHER_SEED } },
    { as: 'clock', forced: { ...forced, clock: later } },
    ...(fresh ? [{ as: 'forced-fresh', forced } as const] : []),
  ]
}

const WORDS: Record<ReplayRun['as'], string> = {
  again: 'as recorded',
  fresh: 'packages resolved anew',
  forced: 'seed and clock forced',
  'forced-again': 'seed and clock forced, once more',
  seed: 'another seed forced',
  clock: 'another clock forced',
  'forced-fresh': 'seed and clock forced, packages resolved anew',
}

export function wordsOf({ as }: ReplayRun): string {
  return WORDS[as]
}

export function isFresh({ as }: ReplayRun): boolean {
  return as === 'fresh' || as === 'forced-fresh'
}

/** The image of a trial. */
export function imageOfRun({ replay }: JobRecord, train: TrainPart, index: number): string {
  const run = replay?.runs[index]
  return run && isFresh(run) ? replay!.fresh!.image! : train.image!
}

/** What the order of a trial says of it. */
export function forcedOn({ replay }: JobRecord, index: number) {
  const forced = replay?.runs[index]?.forced
  return forced ? { forced } : {}
}

/** The kind of what a trial made: a replay makes a model only when that was asked for. */
export function keptAs({ replay }: JobRecord, index: number): 'model' | 'replica' {
  if (!replay) return 'model'
  return replay.keep && index === 0 ? 'model' : 'replica'
}

/** What a trial says of itself. */
export function roleOfRun({ replay }: JobRecord, index: number) {
  const run = replay?.runs[index]
  return run ? { run: run.as, ...(run.forced && { forced: run.forced }) } : {}
}
