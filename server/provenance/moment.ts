/* The ledger as it stood: a moment is a statement's number or a time, and what is asked through this
 * view is answered as if nothing had come after it. */
import { KaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'

const NUMBER = /^\d{1,15}$/
const TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** Number of the last statement at a moment. A time without a zone is UTC, a day its first instant.
 * NOT_FOUND when the ledger is younger. */
export async function momentOf(ledger: Ledger, text: string): Promise<number> {
  if (NUMBER.test(text)) return Number(text)
  const seq = (await firstAfter(ledger, timeOf(text))) - 1
  if (seq >= 0) return seq
  const [first] = await ledger.log(0, 1, { leaves: true })
  const since = first === undefined ? 'it is empty' : `it begins at ${first.at}`
  throw new KaosError('NOT_FOUND', `the ledger has nothing as old as ${text}; ${since}`)
}

/** Milliseconds since 1970. BAD_REQUEST for what is no time. */
export function timeOf(text: string): number {
  const zoned = /[T ]/.test(text) && !/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text}Z` : text
  const time = TIME.test(text) ? Date.parse(zoned.replace(' ', 'T')) : Number.NaN
  if (!Number.isNaN(time)) return time
  const form = 'give a time like 2026-01-31T12:00:00Z, a day, or the number of a statement'
  throw new KaosError('BAD_REQUEST', `${JSON.stringify(text)} is no moment; ${form}`)
}

/** Number of the first statement that is younger than this time; the log's size when none is. The
 * times of the log never go back. */
export async function firstAfter(ledger: Ledger, timeMs: number): Promise<number> {
  let [low, high] = [0, (await ledger.head()).size]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [entry] = await ledger.log(middle, 1, { leaves: true })
    if (entry !== undefined && Date.parse(entry.at) <= timeMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Reads of the graph and its pointers as they stood after that statement. */
export function ledgerAsOf(ledger: Ledger, asOf: number): Ledger {
  return {
    id: ledger.id,
    commit: commit => ledger.commit(commit),
    async node(id) {
      const node = await ledger.node(id)
      return node !== undefined && node.seq <= asOf ? node : undefined
    },
    nodes: query => ledger.nodes({ ...query, asOf: Math.min(asOf, query.asOf ?? asOf) }),
    lineage: (id, query) => ledger.lineage(id, { ...query, asOf }),
    pointers: (prefix, options) => ledger.pointers(prefix, { ...options, asOf }),
    records: (prefix, options) => ledger.records(prefix, options),
    log: (from, limit, options) => ledger.log(from, limit, options),
    head: () => ledger.head(),
    verify: () => ledger.verify(),
    close: () => ledger.close(),
  }
}
