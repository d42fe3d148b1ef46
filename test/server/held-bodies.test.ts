import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { HeldBodies } from '../../server/transfer/held-bodies.ts'

const whole = async (body: () => AsyncIterable<Uint8Array>) =>
  Buffer.concat(await Array.fromAsync(body())).toString()

describe('a body that is read whole', () => {
  it('can be gone through again and again, wherever it comes from', async () => {
    const held = new HeldBodies()
    const pieces = [Buffer.from('one '), Buffer.from('two')]
    async function* bare() {
      yield* pieces
    }

    for (const body of [Readable.from(pieces, { objectMode: false }), bare()]) {
      const read = await held.run(body, 7, async again => [await whole(again), await whole(again)])
      assert.deepEqual(read, ['one two', 'one two'])
    }
    assert.equal(await held.run(Readable.from([]), 0, whole), '')
  })

  it('is refused when it is cut, whether it ends or its connection breaks', async () => {
    const held = new HeldBodies()
    const broken = new PassThrough()
    broken.write('abc')
    const reading = held.run(broken, 7, whole)
    broken.destroy()
    const failing = new PassThrough()
    const waiting = held.run(failing, 7, whole)
    failing.destroy(new Error('reset'))
    const ended = held.run(Readable.from([Buffer.from('abc')]), 7, whole)

    await Promise.all([
      assert.rejects(reading, { code: 'BAD_REQUEST', message: /was cut/ }),
      assert.rejects(waiting, /reset/),
      assert.rejects(ended, { code: 'BAD_REQUEST', message: /was cut/ }),
    ])
  })

  it('is refused when more comes than it said, and its connection stays', async () => {
    const body = new PassThrough()
    body.write('abcdefgh')

    await assert.rejects(new HeldBodies().run(body, 7, whole), { code: 'TOO_LARGE' })
    assert.equal(body.destroyed, false)
  })

  it('is refused when nothing comes, or too little', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const still = new PassThrough()
    const dripping = new PassThrough()
    const waiting = new HeldBodies().run(still, 7, whole)
    const reading = new HeldBodies().run(dripping, 1_000_000, whole)
    dripping.write('x')
    await new Promise(resolve => setImmediate(resolve))

    t.mock.timers.tick(30_000)

    await assert.rejects(waiting, /stopped coming/)
    await assert.rejects(reading, /too slowly/)
    assert.deepEqual([still.destroyed, dripping.destroyed], [false, false])
  })
})
