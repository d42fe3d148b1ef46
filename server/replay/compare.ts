/** How what a replay made differs from what the original made, or from what another run made. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Difference, VerdictView } from '../../api/wire.ts'
import type { Store } from '../../store/store.ts'
import { changesBetween } from '../catalogue/diff.ts'
import type { Metrics } from '../jobs/records.ts'
import { deltas } from '../provenance/why/why.ts'

export interface Made {
  readonly tree: Digest
  readonly metrics: Metrics
}

const FILES_SHOWN = 20
const METRICS_SHOWN = 50

export async function differenceOf(store: Store, a: Made, b: Made): Promise<Difference> {
  const files: Difference['files'] = []
  const metrics = deltas(a.metrics, b.metrics).slice(0, METRICS_SHOWN)
  try {
    for await (const change of changesBetween(store, a.tree, b.tree)) {
      if (files.length === FILES_SHOWN) return { files, truncated: true, metrics }
      files.push(change)
    }
  } catch (error) {
    // The digests tell that they differ also when one of them was purged.
    const gone = isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')
    if (!gone) throw error
    return { files, truncated: true, metrics }
  }
  return { files, truncated: false, metrics }
}

type Judged = VerdictView['judged'][number]

/** The metrics that a tolerance was given for, each with the run in which it is furthest off. */
export function judge(
  original: Metrics,
  runs: readonly Metrics[],
  tolerance: Readonly<Record<string, number>>,
): Judged[] {
  const all = new Set([original, ...runs].flatMap(metrics => Object.keys(metrics)))
  const judged: Judged[] = []
  for (const name of [...all].sort()) {
    const allowed = ownOf(tolerance, name) ?? ownOf(tolerance, '*')
    if (allowed === undefined) continue
    const before = ownOf(original, name)
    const offs = runs.map(metrics => off(before, ownOf(metrics, name)))
    // Texts have no distance: they are the same or not.
    if (typeof before === 'string' && ownOf(tolerance, name) === undefined) continue
    const furthest = offs.reduce<number | null>(
      (most, one) => (most === null || one === null ? null : Math.max(most, one)),
      0,
    )
    const within = furthest !== null && furthest <= allowed
    judged.push({ name, off: furthest, tolerance: allowed, within })
  }
  return judged
}

/** Null: they cannot be compared. */
function off(a: number | string | undefined, b: number | string | undefined): number | null {
  if (a !== undefined && a === b) return 0
  return typeof a === 'number' && typeof b === 'number' ? Math.abs(b - a) : null
}

function ownOf<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined
}
