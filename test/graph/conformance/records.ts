/* Records and expectations: small rows that change, and compare-and-set over them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordWrite } from '../../../graph/ledger.ts'
import { NOON, type Open, type Stage, stagePerTest } from '../stage.ts'

export function recordCases(open: Open): void {
  describe('a record', () => {
    const stage = stagePerTest(open)

    it('is written, overwritten and deleted, and is no statement', async () => {
      const first = await write(stage, { key: 'lease/1', value: { holder: 'a' } })
      const second = await write(stage, { key: 'lease/1', value: { holder: 'b' } })

      const [record] = await stage.ledger.records('lease/')
      assert.deepEqual(record, { key: 'lease/1', value: { holder: 'b' }, version: second })
      assert.ok(second > first && first > 0)
      assert.equal(await write(stage, { key: 'lease/1', value: null }), 0)
      assert.deepEqual(await stage.ledger.records('lease/'), [])
      assert.equal((await stage.ledger.head()).size, 1)
    })

    it('gets a version that it never had before, also after it was absent', async () => {
      const key = 'lease/1'
      const first = await write(stage, { key, value: 1 })
      await write(stage, { key, value: null })
      const second = await write(stage, { key, value: 1, expires: NOON + 10 })
      stage.clock = NOON + 10
      const third = await write(stage, { key, value: 1 })
      await write(stage, { key, value: null })
      await stage.reopen()
      const fourth = await write(stage, { key, value: 1 })

      assert.ok(first < second && second < third && third < fourth)
    })

    it('is absent everywhere from the moment on at which it expires', async () => {
      const key = 'session/1'
      const version = await write(stage, { key, value: 'secret', expires: NOON + 1000 })
      stage.clock = NOON + 999
      assert.deepEqual(await stage.ledger.records(''), [
        { key, value: 'secret', version, expires: NOON + 1000 },
      ])

      stage.clock = NOON + 1000

      assert.deepEqual(await stage.ledger.records(''), [])
      await assert.rejects(stage.commit({ expect: [{ record: key, version }] }), {
        code: 'CONFLICT',
      })
      const taken = { expect: [{ record: key, version: 0 }], records: [{ key, value: 'other' }] }
      await stage.commit(taken)
      assert.equal((await stage.ledger.records(''))[0]?.value, 'other')
    })

    it('stays when it is written anew without an end', async () => {
      await write(stage, { key: 'k', value: 1, expires: NOON + 1000 })
      await write(stage, { key: 'k', value: 2 })

      stage.clock = NOON + 5000
      await stage.say({})

      assert.equal((await stage.ledger.records('k')).length, 1)
    })

    it('is listed by key, after a key, up to a limit', async () => {
      const keys = ['a', 'b/', 'b/%', 'b/1', 'b/10', 'b/2', 'b/_', 'b/é', 'b/\u{10ffff}', 'b0', 'c']
      await stage.commit({ records: keys.toReversed().map(key => ({ key, value: key })) })

      const keysOf = async (...question: Parameters<typeof stage.ledger.records>) =>
        (await stage.ledger.records(...question)).map(record => record.key)

      assert.deepEqual(await keysOf('b/'), keys.slice(1, 9))
      assert.deepEqual(await keysOf('b/', { after: 'b/1', limit: 2 }), ['b/10', 'b/2'])
      assert.deepEqual(await keysOf('b/\u{10ffff}'), ['b/\u{10ffff}'])
      assert.deepEqual(await keysOf('', { after: 'b0' }), ['c'])
      assert.deepEqual(await keysOf('b/%'), ['b/%'])
      assert.deepEqual(await keysOf('', { limit: 0 }), [])
    })

    it('is won by exactly one of many that compare and set it at the same time', async () => {
      const key = 'lease/1'
      const version = await write(stage, { key, value: 'nobody' })
      const takers = Array.from({ length: 30 }, (_, i) => `taker ${i}`)

      const outcomes = await Promise.allSettled(
        takers.map(value =>
          stage.commit({ expect: [{ record: key, version }], records: [{ key, value }] }),
        ),
      )

      const winners = takers.filter((_, i) => outcomes[i]?.status === 'fulfilled')
      const losers = outcomes.filter(one => one.status === 'rejected')
      assert.equal(winners.length, 1)
      assert.ok(losers.every(one => one.reason.code === 'CONFLICT'))
      assert.equal((await stage.ledger.records(key))[0]?.value, winners[0])
    })

    it('is created by exactly one of many that expect it to be absent', async () => {
      const create = (value: number) =>
        stage.commit({
          expect: [{ record: 'job/1', version: 0 }],
          records: [{ key: 'job/1', value }],
          statements: [{ type: 'job.taken' }],
        })

      const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(create))

      assert.equal(outcomes.filter(one => one.status === 'fulfilled').length, 1)
      assert.equal((await stage.ledger.head()).size, 2)
    })

    it('says in the conflict what was expected and what is there', async () => {
      const version = await write(stage, { key: 'k', value: 1 })

      const failing = stage.commit({ expect: [{ record: 'k', version: version + 7 }] })

      const detail = { expected: { record: 'k', version: version + 7 }, found: version }
      await assert.rejects(failing, { code: 'CONFLICT', detail })
    })
  })

  describe('a pointer', () => {
    const stage = stagePerTest(open)

    it('moves only from where the commit expects it to be', async () => {
      const move = (from: string | null, to: string | null) =>
        stage.commit({
          expect: [{ pointer: 'stage/production', target: from }],
          statements: [
            { type: 'model.promoted', moves: [{ pointer: 'stage/production', target: to }] },
          ],
        })
      await move(null, 'v1')
      await move('v1', 'v2')

      await assert.rejects(move('v1', 'v3'), { code: 'CONFLICT' })
      await assert.rejects(move(null, 'v3'), { code: 'CONFLICT' })
      await move('v2', null)
      await assert.rejects(move('v2', 'v3'), { code: 'CONFLICT' })
      await move(null, 'v4')

      assert.equal((await stage.ledger.pointers('stage/'))[0]?.target, 'v4')
    })
  })
}

/** Writes one record and returns its version. */
async function write(stage: Stage, record: RecordWrite): Promise<number> {
  const { versions } = await stage.commit({ records: [record] })
  return versions[0]!
}
