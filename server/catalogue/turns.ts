/* What gives a repository its next version takes turns within this process; between servers that
 * share a ledger its compare and set decides, and the loser looks again. */
import type { Ledger } from '../../graph/ledger.ts'
import { retrying } from '../jobs/reading.ts'
import { openTurns, type Turns } from '../jobs/turns.ts'

const turns = new WeakMap<Ledger, Turns>()

/** Plans and commits, alone for this repository here, and again while somebody else was first. */
export function inTurn<T>(
  ledger: Ledger,
  ws: string,
  repository: string,
  work: () => Promise<T>,
): Promise<T> {
  const own = turns.get(ledger) ?? openTurns()
  turns.set(ledger, own)
  return own.take(`${ws}/${repository}`, () => retrying(work))
}
