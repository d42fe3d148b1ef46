/* Whether the parts of the server answer, for /readyz: each is asked by itself and in a bounded time, and
 * never by two at once, so that callers in a hurry do not pile up before a part that stands still. */
import { isKaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Space } from './space.ts'

/** Says what is wrong in public words; undefined when all is well. */
export type Check = () => Promise<string | undefined>

/** A part that has not answered for so long is away. */
const ANSWER_MS = 3000
const SILENT = 'does not answer'

/** The same check, which answers in time. */
export function bounded(check: Check, withinMs = ANSWER_MS): Check {
  let running: Promise<string | undefined> | undefined
  return async () => {
    running ??= check().finally(() => {
      running = undefined
    })
    // One that fails later fails for nobody.
    running.catch(() => {})
    const late = Promise.withResolvers<string>()
    const timer = setTimeout(() => late.resolve(SILENT), withinMs)
    try {
      return await Promise.race([running, late.promise])
    } catch {
      return SILENT
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What is wrong with the first of them that something is wrong with. */
export function each(...checks: readonly (Check | undefined)[]): Check {
  return async () => {
    for (const check of checks) {
      const wrong = await check?.()
      if (wrong !== undefined) return wrong
    }
    return undefined
  }
}

export function ledgerCheck(ledger: Ledger): Check {
  return async () => {
    await ledger.head()
    return undefined
  }
}

export function roomCheck(space: Space): Check {
  return async () => {
    const full = await space.require().catch(error => error)
    if (isKaosError(full, 'STORAGE_FULL')) return 'nearly full: writes are refused'
    if (full) throw full
    return undefined
  }
}
