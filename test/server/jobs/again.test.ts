import assert from 'node:assert/strict'
import test from 'node:test'
import { openRepeated } from '../../../server/jobs/again.ts'

test('a turn that fails is said, and the next one comes all the same', async () => {
  const said: string[] = []
  const { promise: thrice, resolve } = Promise.withResolvers<void>()
  let turns = 0
  const work = async () => {
    if (++turns === 1) return
    if (turns === 3) resolve()
    throw new Error('the ledger does not answer')
  }
  const log = (level: string, message: string) => void said.push(`${level}: ${message}`)
  const repeated = await openRepeated(work, { everyMs: 1, firstMs: 1000, log })

  await thrice
  await repeated.close()

  const line = 'error: what is unfinished could not be taken up: the ledger does not answer'
  assert.deepEqual(said.slice(0, 2), [line, line])
})

test('one turn runs at a time, and closing waits for it', async () => {
  const [began, may] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const running = { now: 0, most: 0 }
  const work = async () => {
    running.most = Math.max(running.most, ++running.now)
    began.resolve()
    await may.promise
    running.now--
  }
  const repeated = await openRepeated(work, { everyMs: 1, firstMs: 1, log: () => {} })

  await began.promise
  const closing = repeated.close()
  may.resolve()
  await closing

  assert.deepEqual(running, { now: 0, most: 1 })
})

test("a first turn that fails is the opener's", async () => {
  const work = async () => {
    throw new Error('the ledger does not answer')
  }

  const opening = openRepeated(work, { everyMs: 1, firstMs: 1000, log: () => {} })

  await assert.rejects(opening, /does not answer/)
})

test('a long first turn goes on beside others, and is told when it must end', async () => {
  const work = (ending: AbortSignal) =>
    new Promise<void>(resolve => ending.addEventListener('abort', () => resolve()))

  const repeated = await openRepeated(work, { everyMs: 1, firstMs: 1, log: () => {} })

  await repeated.close()
})
