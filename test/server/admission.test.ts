import assert from 'node:assert/strict'
import test from 'node:test'
import type { KaosError } from '../../api/errors.ts'
import { Admission } from '../../server/transfer/admission.ts'

const MIB = 1024 * 1024
const isBusy = (error: KaosError) =>
  error.code === 'UNAVAILABLE' && /too many uploads; try again/.test(error.message)

/** Work that goes on until it is told to end. */
function lasting() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let begun = false
  const work = () => {
    begun = true
    return promise
  }
  return { work, end: resolve, fail: reject, hasBegun: () => begun }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

test('bodies are read at once as long as they have room together', async () => {
  const admission = new Admission({ room: 20 * MIB })
  const [one, other, third] = [lasting(), lasting(), lasting()]

  const running = [
    admission.run(8 * MIB, one.work),
    admission.run(8 * MIB, other.work),
    admission.run(8 * MIB, third.work),
  ]
  await turn()
  const before = [one, other, third].map(body => body.hasBegun())
  one.end('one')
  await turn()

  assert.deepEqual(before, [true, true, false])
  assert.equal(third.hasBegun(), true)
  other.end('other')
  third.end('third')
  assert.deepEqual(await Promise.all(running), ['one', 'other', 'third'])
})

test('a body that failed gives its room back, and one that is large is not passed over', async () => {
  const admission = new Admission({ room: 20 * MIB })
  const [small, large, late] = [lasting(), lasting(), lasting()]

  const failing = admission.run(8 * MIB, small.work)
  const running = [admission.run(18 * MIB, large.work), admission.run(1, late.work)]
  await turn()
  const before = [large.hasBegun(), late.hasBegun()]
  small.fail(new Error('cut'))
  await assert.rejects(failing, /cut/)
  await turn()

  assert.deepEqual(before, [false, false])
  assert.deepEqual([large.hasBegun(), late.hasBegun()], [true, false])
  large.end('large')
  late.end('late')
  assert.deepEqual(await Promise.all(running), ['large', 'late'])
})

test('a body of any length, or of unknown length, is read when it is alone', async () => {
  const admission = new Admission()

  assert.equal(await admission.run(2 ** 40, async () => 'huge'), 'huge')
  assert.equal(await admission.run(undefined, async () => 'unknown'), 'unknown')
})

test('who waits for too long, or comes when too many wait, is told to come back', async () => {
  const admission = new Admission({ room: 9 * MIB, waitMs: 20 })
  const first = lasting()
  const running = admission.run(8 * MIB, first.work)

  const waiting = Array.from({ length: 256 }, () => admission.run(8 * MIB, async () => 'in'))
  const [refused, ...late] = await Promise.allSettled([
    admission.run(8 * MIB, async () => 'in'),
    ...waiting,
  ])

  assert.ok([refused, ...late].every(one => one?.status === 'rejected' && isBusy(one.reason)))
  first.end('first')
  assert.equal(await running, 'first')
  assert.equal(await admission.run(8 * MIB, async () => 'in'), 'in')
})
