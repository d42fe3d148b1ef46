/* Statements as the log keeps them, one by its number: who said it, and what else. */
import type { Json, Ledger } from '../../graph/ledger.ts'

export interface Said {
  readonly type: string
  readonly actor: string
  readonly detail?: { readonly [key: string]: Json }
}

/** Undefined when its payload was erased by law. */
export async function statementAt(ledger: Ledger, seq: number): Promise<Said | undefined> {
  const [entry] = await ledger.log(seq, 1)
  if (entry?.seq !== seq || entry.payload === null) return undefined
  return JSON.parse(entry.payload) as Said
}
