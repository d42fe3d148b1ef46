/* Who is next. Services first, then builds and ingestions, then trials; among these what was moved to
 * the front; then the workspace that has least running, so that a large grid of one keeps nobody else
 * waiting; then what was asked for first. */
import type { ReadyWork } from '../jobs/ready.ts'
import type { WorkRef } from '../jobs/records.ts'
import { ALL, type Rules } from './rules.ts'

/** What runs now, of each workspace. */
export interface Load {
  /** Builds, ingestions and trials. */
  readonly work: ReadonlyMap<string, number>
  readonly trials: ReadonlyMap<string, number>
}

export function loadOf(running: Iterable<WorkRef>): Load {
  const [work, trials] = [new Map<string, number>(), new Map<string, number>()]
  for (const { kind, workspace } of running) {
    if (kind !== 'service') work.set(workspace, (work.get(workspace) ?? 0) + 1)
    if (kind === 'trial') trials.set(workspace, (trials.get(workspace) ?? 0) + 1)
  }
  return { work, trials }
}

/** Why this must not be handed out now, in words that follow its name; undefined when it may be. */
export function obstacleTo(work: WorkRef, rules: Rules, load: Load): string | undefined {
  // An endpoint that was asked to stay up stays up.
  if (work.kind === 'service') return undefined
  const { workspace } = work
  const pause = rules.pauses.get(ALL) ?? rules.pauses.get(workspace)
  if (pause) return `the queue is paused${pause.reason ? `: ${pause.reason}` : ''}`
  const limit = rules.limits.get(workspace)
  if (work.kind !== 'trial' || limit === undefined) return undefined
  if ((load.trials.get(workspace) ?? 0) < limit) return undefined
  return `its workspace may run ${limit} trial${limit === 1 ? '' : 's'} at once`
}

/** The first in the order of those that may be handed out to a taker of these kinds that they fit. */
export function nextOf(
  entries: readonly ReadyWork[],
  kinds: readonly string[],
  fits: (work: WorkRef) => boolean,
  rules: Rules,
  load: Load,
): ReadyWork | undefined {
  let best: ReadyWork | undefined
  for (const entry of entries) {
    if (!kinds.includes(entry.work.kind) || obstacleTo(entry.work, rules, load)) continue
    if (best !== undefined && before(entry, best, rules, load) > 0) continue
    if (fits(entry.work)) best = entry
  }
  return best
}

/** Work of one class, rank and workspace, by key: only the first of it can be next. */
interface Line {
  readonly entries: ReadyWork[]
  taken: number
}

/** So many at most, as they will be taken if nothing changes but what taking them changes. */
export function inOrder(
  entries: readonly ReadyWork[],
  rules: Rules,
  load: Load,
  count = entries.length,
): ReadyWork[] {
  const work = new Map(load.work)
  const lines = linesOf(entries, rules)
  const ordered: ReadyWork[] = []
  while (ordered.length < count) {
    const first = firstOf(lines, rules, { ...load, work })
    if (first === undefined) break
    const next = first.entries[first.taken++]!
    ordered.push(next)
    const { workspace } = next.work
    work.set(workspace, (work.get(workspace) ?? 0) + 1)
  }
  return ordered
}

function linesOf(entries: readonly ReadyWork[], { ranks }: Rules): Line[] {
  const lines = new Map<string, Line>()
  for (const entry of entries) {
    const { workspace, job } = entry.work
    const name = `${classOf(entry)} ${ranks.get(job) ?? 0} ${workspace}`
    const line = lines.get(name)
    if (line) line.entries.push(entry)
    else lines.set(name, { entries: [entry], taken: 0 })
  }
  for (const line of lines.values()) line.entries.sort((a, b) => (a.key < b.key ? -1 : 1))
  return [...lines.values()]
}

function firstOf(lines: readonly Line[], rules: Rules, load: Load): Line | undefined {
  const heads = lines.filter(({ entries, taken }) => taken < entries.length)
  const [first, ...others] = heads
  return others.reduce<Line | undefined>((best, line) => {
    const [a, b] = [line.entries[line.taken]!, best!.entries[best!.taken]!]
    return before(a, b, rules, load) < 0 ? line : best
  }, first)
}

function before(a: ReadyWork, b: ReadyWork, { ranks }: Rules, { work }: Load): number {
  const rank = ({ work: { job } }: ReadyWork) => ranks.get(job) ?? 0
  const running = ({ work: { workspace } }: ReadyWork) => work.get(workspace) ?? 0
  return (
    classOf(a) - classOf(b) ||
    rank(a) - rank(b) ||
    running(a) - running(b) ||
    (a.key < b.key ? -1 : 1)
  )
}

const CLASS_AT = 'ready/'.length

/** `ready/<class>/…`, one digit: see keyOf.ready. Asked of all that is ready whenever work is taken. */
function classOf({ key }: ReadyWork): number {
  return key.charCodeAt(CLASS_AT)
}
