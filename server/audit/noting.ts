/* Takes down that somebody was denied something. Who shows no good token is only counted: anybody could
 * fill a journal so. */
import type { Code, KaosError } from '../../api/errors.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Denial, Denials } from './denials.ts'

const DENIALS = new Set<Code>(['AUTHORIZATION_FAILURE', 'NOT_PERMITTED', 'KEY_REFUSED'])

/** `actor`: undefined or empty for a stranger. */
export type NoteDenial = (
  error: KaosError,
  what: Omit<Denial, 'code' | 'actor'> & { readonly actor: string | undefined },
) => Promise<void>

export function openNoting(metrics: Pick<Metrics, 'denied'>, denials: Denials): NoteDenial {
  return async ({ code }, { actor, ...what }) => {
    if (!DENIALS.has(code)) return
    metrics.denied(code)
    if (actor) await denials.add({ ...what, actor, code })
  }
}
