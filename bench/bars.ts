/* The bars: what has to hold against whom. Ratios are medians of pairs, a pair being the two values of
 * one round. */
import { median } from './measure.ts'
import type { Line, Step } from './rounds.ts'

export interface Bar {
  readonly id: string
  readonly what: string
  readonly goal: number
  readonly moonshot: number
  /** A larger value is better, or a smaller one. */
  readonly better: 'larger' | 'smaller'
  /** One value per round; empty when a contestant was missing. */
  readonly values: readonly number[]
  /** Without whom it cannot be measured, and where. */
  readonly peers?: readonly string[]
  readonly suite?: string
}

/** Measured beside the rounds. */
export interface Beside {
  readonly changedBytes: number
  readonly localCheckout: readonly number[]
  readonly packed: readonly number[]
}

type Value = (line: Line) => number | undefined

const wall: Value = line => line.wallMs
const cpu: Value = line => line.clientCpuMs + (line.serverCpuMs ?? 0)

export function barsOf(lines: readonly Line[], beside: Beside): Bar[] {
  const pair = (suite: string, step: Step, of: [string, string], value: Value = wall) =>
    pairs(lines, suite, step, of, value)
  const larger = { better: 'larger' } as const
  const smaller = { better: 'smaller' } as const
  return [
    {
      id: 'B1',
      what: 'second version of W1 (1 % changed), kit / ours, wall',
      ...larger,
      goal: 3,
      moonshot: 4,
      values: pair('W1', 'push v2', ['kit', 'kaos']),
      peers: ['kit', 'kaos'],
      suite: 'W1',
    },
    {
      id: 'B2',
      what: 'second version of W2 (100 of 10,000 files), kit / ours, wall',
      ...larger,
      goal: 20,
      moonshot: 40,
      values: pair('W2', 'push v2', ['kit', 'kaos']),
      peers: ['kit', 'kaos'],
      suite: 'W2',
    },
    {
      id: 'B2',
      what: 'the same, DVC / ours, CPU seconds',
      ...larger,
      goal: 20,
      moonshot: 50,
      values: pair('W2', 'push v2', ['dvc', 'kaos'], cpu),
      peers: ['dvc', 'kaos'],
      suite: 'W2',
    },
    {
      id: 'B3',
      what: 'bytes over the socket / bytes changed, second version of W1',
      ...smaller,
      goal: 1.25,
      moonshot: 1.1,
      values: lines
        .filter(one => one.counted && one.contestant === 'kaos')
        .filter(one => one.suite === 'W1' && one.step === 'push v2')
        .map(one => (one.wireBytes ?? Number.NaN) / beside.changedBytes),
    },
    {
      id: 'B4',
      what: 'durable first push of W1, ours / kit, wall',
      ...smaller,
      goal: 0.9,
      moonshot: 0.5,
      values: pair('W1', 'push v1', ['kaos', 'kit']),
      peers: ['kaos', 'kit'],
      suite: 'W1',
    },
    {
      id: 'B4',
      what: 'the same, ours / (cp + sync), wall',
      ...smaller,
      goal: 4,
      moonshot: 2.2,
      values: pair('W1', 'push v1', ['kaos', 'cp+sync']),
      peers: ['kaos', 'cp+sync'],
      suite: 'W1',
    },
    {
      id: 'B5',
      what: 'fresh checkout of W1, ours / kit, wall',
      ...smaller,
      goal: 1,
      moonshot: 0.6,
      values: pair('W1', 'checkout v1', ['kaos', 'kit']),
      peers: ['kaos', 'kit'],
      suite: 'W1',
    },
    {
      id: 'B5',
      what: 'fresh checkout of W2, ours / cp, wall',
      ...smaller,
      goal: 1.3,
      moonshot: 1.1,
      values: pair('W2', 'checkout v1', ['kaos', 'cp']),
      peers: ['kaos', 'cp'],
      suite: 'W2',
    },
    {
      id: 'B6',
      what: 'local checkout of W2 with one new file, cp / ours, wall',
      ...larger,
      goal: 10,
      moonshot: 15,
      values: beside.localCheckout,
    },
    {
      id: 'B7',
      what: 'first push of W3, ours / kit, wall',
      ...smaller,
      goal: 1,
      moonshot: 0.5,
      values: pair('W3', 'push v1', ['kaos', 'kit']),
      peers: ['kaos', 'kit'],
      suite: 'W3',
    },
    {
      id: 'B7',
      what: 'objects of 2 KB, a synced file each / one packed stream, CPU seconds',
      ...larger,
      goal: 30,
      moonshot: 60,
      values: beside.packed,
    },
    {
      id: 'memory',
      what: 'peak of the client in any step, MB',
      ...smaller,
      goal: 150,
      moonshot: 100,
      values: peaks(lines, line => line.clientPeakBytes),
    },
    {
      id: 'memory',
      what: 'peak of the server above idle in any step, MB',
      ...smaller,
      goal: 256,
      moonshot: 128,
      values: peaks(lines, line => line.serverPeakBytes),
    },
  ]
}

function pairs(
  lines: readonly Line[],
  suite: string,
  step: Step,
  [over, under]: [string, string],
  value: Value,
): number[] {
  const timed = lines.filter(one => !one.counted && one.suite === suite && one.step === step)
  return timed
    .filter(one => one.contestant === over)
    .flatMap(one => {
      const other = timed.find(two => two.contestant === under && two.round === one.round)
      const [above, below] = [value(one), other && value(other)]
      return above === undefined || below === undefined ? [] : [above / below]
    })
}

/** The highest of all rounds alone counts. */
function peaks(lines: readonly Line[], value: Value): number[] {
  const all = lines.filter(one => one.contestant === 'kaos').flatMap(one => value(one) ?? [])
  return all.length === 0 ? [] : [Math.max(...all) / 1e6]
}

export type Verdict = 'moonshot' | 'met' | 'missed' | 'not measured'

export function verdictOf({ values, better, goal, moonshot }: Bar): Verdict {
  const value = median([...values])
  if (Number.isNaN(value)) return 'not measured'
  const reaches = (bar: number) => (better === 'larger' ? value >= bar : value <= bar)
  if (reaches(moonshot)) return 'moonshot'
  return reaches(goal) ? 'met' : 'missed'
}
