import assert from 'node:assert/strict'
import test from 'node:test'
import { together } from '../../../server/jobs/together.ts'

async function* of<T>(...items: T[]): AsyncGenerator<T> {
  for (const item of items) {
    await new Promise(resolve => setImmediate(resolve))
    yield item
  }
}

test('all that the sources give comes, each source in its order', async () => {
  const all = await Array.fromAsync(
    together<string>(async add => {
      add(of('a1', 'a2', 'a3'))
      await new Promise(resolve => setImmediate(resolve))
      add(of('b1', 'b2'))
      add(of())
    }),
  )

  assert.deepEqual(all.toSorted(), ['a1', 'a2', 'a3', 'b1', 'b2'])
  assert.deepEqual(
    all.filter(one => one.startsWith('a')),
    ['a1', 'a2', 'a3'],
  )
})

test('a source that fails ends it with that error', async () => {
  async function* bad(): AsyncGenerator<string> {
    yield 'first'
    throw new Error('lost')
  }

  await assert.rejects(Array.fromAsync(together<string>(async add => add(bad()))), /lost/)
})

test('a source is not asked for more than was taken', async () => {
  let given = 0
  async function* counted(): AsyncGenerator<number> {
    for (;;) yield ++given
  }
  const all = together<number>(async add => add(counted()))

  await all.next()
  await new Promise(resolve => setImmediate(resolve))
  assert.ok(given <= 2)
  await all.return(undefined)
})
