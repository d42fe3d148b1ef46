import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { openNotes } from '../../server/transfer/notes.ts'
import { openTestApp } from './open.ts'

const some = (prefix: string, count: number): Digest[] =>
  Array.from({ length: count }, (_, i) => digestOf(Buffer.from(`${prefix}${i}`)))

test('sessions that are no longer used leave memory, and still know what they sent', async t => {
  const { ledger, people } = await openTestApp(t).then(app => app.parts)
  const reads: string[] = []
  const records: typeof ledger.records = (prefix, page) => {
    reads.push(prefix)
    return ledger.records(prefix, page)
  }
  const watched = { records, commit: ledger.commit.bind(ledger) } as typeof ledger
  const agent = people.system.id
  const notes = openNotes({ ledger: watched, agent, now: Date.now, digestsCached: 250 })
  for (const session of ['a', 'b', 'c']) await notes.add(session, some(session, 100))
  reads.length = 0

  const [latest, second, first] = [await notes.of('c'), await notes.of('b'), await notes.of('a')]

  assert.deepEqual(reads, ['sent/a/'], 'only the session that was used longest ago was forgotten')
  for (const [session, set] of Object.entries({ a: first, b: second, c: latest })) {
    assert.equal(set.size, 100)
    assert.ok(some(session, 100).every(digest => set.has(digest)))
  }
})
