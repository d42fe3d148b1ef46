import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import test from 'node:test'
import { openGate } from '../../../server/registry/gate.ts'

test('bodies wait for their turn, and when too many wait, more are told to come back', async () => {
  const gate = openGate({ atOnce: 1, waitingMax: 2 })
  const open = Promise.withResolvers<void>()
  const first = gate.pass('ann', undefined, () => open.promise)
  const second = gate.pass('ann', undefined, async () => 'second')
  const third = gate.pass('bob', undefined, async () => 'third')

  await assert.rejects(
    gate.pass('cay', undefined, async () => {}),
    { code: 'UNAVAILABLE', status: 503 },
  )
  open.resolve()

  assert.deepEqual(await Promise.all([first, second, third]), [undefined, 'second', 'third'])
})

test('one caller who fills the line is told to be slower', async () => {
  const gate = openGate({ atOnce: 1, waitingMax: 2 })
  const open = Promise.withResolvers<void>()
  const running = [1, 2, 3].map(() => gate.pass('ann', undefined, () => open.promise))

  await assert.rejects(
    gate.pass('ann', undefined, async () => {}),
    { code: 'TOO_MANY_REQUESTS', status: 429 },
  )

  open.resolve()
  await Promise.all(running)
})

test('a body that only drips is cut', async () => {
  const gate = openGate({ windowMs: 5 })
  async function* dripping() {
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 2))
      yield Buffer.from('x')
    }
  }

  const reading = gate.pass('ann', Readable.from(dripping()), body => Array.fromAsync(body))

  await assert.rejects(reading, /too slowly/)
})
