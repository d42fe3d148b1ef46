/** Exact look-ups over the ledger's prefix reads. */
import type { Ledger, LedgerRecord, Pointer } from '../graph/ledger.ts'

/** The record of exactly this key. It sorts before every longer key, so one row is enough. */
export async function recordAt(ledger: Ledger, key: string): Promise<LedgerRecord | undefined> {
  const [record] = await ledger.records(key, { limit: 1 })
  return record?.key === key ? record : undefined
}

/** What the pointer of exactly this name stands at. */
export async function pointerAt(ledger: Ledger, name: string): Promise<Pointer | undefined> {
  const [pointer] = await ledger.pointers(name, { limit: 1 })
  return pointer?.name === name ? pointer : undefined
}

const PAGE = 1000

/** Every record whose key begins so, by key, a page at a time. */
export async function* recordsBelow(ledger: Ledger, prefix: string): AsyncGenerator<LedgerRecord> {
  for (let after: string | undefined; ; ) {
    const page = await ledger.records(prefix, { limit: PAGE, ...(after && { after }) })
    yield* page
    if (page.length < PAGE) return
    after = page.at(-1)?.key
  }
}
