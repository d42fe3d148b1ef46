import assert from 'node:assert/strict'
import test from 'node:test'
import { checkCommit } from '../../graph/commit.ts'
import type { Outcome } from '../../graph/neo4j/batch.ts'
import { openWriter } from '../../graph/neo4j/writer.ts'

const commit = checkCommit({
  actor: '1'.repeat(32),
  organisation: '2'.repeat(32),
  records: [{ key: 'a', value: {} }],
})
const receipt = { seqs: [], versions: {} } as unknown as Extract<
  Outcome,
  { receipt: unknown }
>['receipt']

test('commits that wait behind a batch without an answer are refused, and those of the batch are not', async () => {
  const stuck = Promise.withResolvers<void>()
  const begun: number[] = []
  const writer = openWriter(
    {
      async write(commits) {
        begun.push(commits.length)
        await stuck.promise
        return commits.map(() => ({ receipt }))
      },
    },
    50,
  )

  const first = writer.commit(commit)
  while (begun.length === 0) await new Promise(resolve => setImmediate(resolve))
  await assert.rejects(writer.commit(commit), { code: 'UNAVAILABLE', status: 503 })
  stuck.resolve()

  assert.equal(await first, receipt)
  assert.equal(await writer.commit(commit), receipt)
  assert.deepEqual(begun, [1, 1])
  await writer.close()
})
