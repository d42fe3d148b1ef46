/* What a call with an Idempotency-Key made, noted in the transaction that makes it. The kept answer
 * comes after that transaction; a server that is killed between the two finds this note instead,
 * and the repeated call gets what was made rather than a second one. */
import type { Json, Ledger } from '../../graph/ledger.ts'
import type { Board, Plan } from './board.ts'
import { absent, readRecord } from './reading.ts'

const KEPT_MS = 24 * 3600_000

/** The note of an earlier call with this key, if there was one. */
export async function madeBefore<T>(
  ledger: Ledger,
  once: string | undefined,
): Promise<T | undefined> {
  return once === undefined ? undefined : (await readRecord<T>(ledger, once))?.value
}

/** Adds the note to the plan, which then fails with CONFLICT if another call was first. */
export function noteMade(board: Board, plan: Plan, once: string | undefined, made: Json): void {
  if (once === undefined) return
  plan.expect.push(absent(once))
  plan.records.push({ key: once, value: made, expires: board.parts.now() + KEPT_MS })
}
