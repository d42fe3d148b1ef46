import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type At, abc } from './bench.ts'

/** What `close` promises. */
export function ending(at: At): void {
  it('closes twice, and refuses every call after that', async () => {
    const { store } = at
    const [digest] = await store.put([abc])

    await store.close()
    await store.close()

    const refused = { code: 'UNAVAILABLE' }
    await assert.rejects(store.put([abc]), refused)
    await assert.rejects(store.get(digest!), refused)
    await assert.rejects(store.has([digest!]), refused)
    await assert.rejects(store.remove([digest!]), refused)
    await assert.rejects(Array.fromAsync(store.list()), refused)
    await assert.rejects(Array.fromAsync(store.check()), refused)
    await assert.rejects(store.damaged(), refused)
    await assert.rejects(store.condemn([digest!]), refused)
    await assert.rejects(store.compact(0.5), refused)
    await assert.rejects(store.stats(), refused)
  })
}
