import assert from 'node:assert/strict'
import test from 'node:test'
import { bounded, each } from '../../server/system/checks.ts'

test('a part that stands still is said not to answer, and is asked by one caller at a time', async () => {
  const part = Promise.withResolvers<undefined>()
  let asked = 0
  const check = bounded(() => {
    asked++
    return part.promise
  }, 20)

  const said = await Promise.all([check(), check(), check()])

  assert.deepEqual(said, Array(3).fill('does not answer'))
  assert.equal(asked, 1)
  part.resolve(undefined)
  assert.equal(await check(), undefined)
})

test('a part whose check fails is said not to answer, and is asked again the next time', async () => {
  let asked = 0
  const check = bounded(async () => {
    if (asked++ === 0) throw new Error('bolt://secret:7687 refuses')
    return undefined
  })

  assert.equal(await check(), 'does not answer')
  assert.equal(await check(), undefined)
})

test('of several checks of one part the first that finds something speaks', async () => {
  const check = each(
    async () => undefined,
    undefined,
    async () => 'full',
    async () => 'gone',
  )

  assert.equal(await check(), 'full')
})
