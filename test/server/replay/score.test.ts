import assert from 'node:assert/strict'
import test from 'node:test'
import type { ScoreView } from '../../../api/wire.ts'
import { openScripted, SOURCE } from '../jobs/scripted.ts'
import { type Program, play, trainedScene } from './scene.ts'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const STEADY: Program = () => ({ files: { 'model.json': '{}' } })

const itemsOf = (view: ScoreView) =>
  Object.fromEntries(view.items.map(({ item, points }) => [item, points]))

test('the total is the sum of the points, and each line that lacks some says what to do', async t => {
  const { server, model } = await trainedScene(t, STEADY)

  const view = await server.ask<ScoreView>('GET', `/workspaces/mnist/models/${model}/score`)

  assert.equal(view.of, 100)
  assert.equal(
    view.score,
    view.items.reduce((sum, { points }) => sum + points, 0),
  )
  assert.deepEqual(itemsOf(view), {
    ...{ image: 8, packages: 15, seeds: 0, data: 10, code: 10, git: 0, replays: 0 },
  })
  for (const { points, of, better } of view.items) assert.equal(better === null, points === of)
})

test('replays count: one that comes out the same, and one that shows why it does not', async t => {
  const dice: Program = ({ forced }, turn) => ({
    files: { 'model.json': `seed ${forced?.seed ?? turn}` },
  })
  const [steady, random] = [await trainedScene(t, STEADY), await trainedScene(t, dice)]
  await steady.reproduce({ model: steady.model })
  await random.reproduce({ model: random.model })
  const scoreOf = ({ server, model }: typeof steady) =>
    server.ask<ScoreView>('GET', `/workspaces/mnist/models/${model}/score`)

  const [one, other] = [await scoreOf(steady), await scoreOf(random)]

  assert.equal(itemsOf(one).seeds, 15)
  assert.equal(itemsOf(one).replays, 25)
  assert.equal(itemsOf(other).seeds, 0)
  assert.equal(itemsOf(other).replays, 0)
  assert.match(other.items.at(-1)?.found ?? '', /one replay: different \(randomness\)/)
})

test('pinned packages, a seed in the code and a clean commit are worth their points', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const data = await server.bundle('data', 'features', { 'a.csv': '1' })
  const scoreWith = async (requirements: string, dirty: boolean, train: string) => {
    const files = { ...SOURCE, model: { train, 'requirements.txt': requirements } }
    const source = await server.bundle('train-source', 'mnist', files)
    const git = { code: { commit: COMMIT, dirty } }
    const { job } = await server.train({ source: source.id, data: data.id, git })
    await server.build()
    await play(server, await server.claimed(['trial']), STEADY, 0)
    const { models } = await server.job(job!.jobId)
    const path = `/workspaces/mnist/models/${models[0]?.modelId}/score`
    return server.ask<ScoreView>('GET', path)
  }

  const open = await scoreWith('numpy\npandas==2.0\n', true, '#!/bin/sh\n')
  const pinned = await scoreWith('numpy==1.0\n', false, '#!/usr/bin/env python3\nrandom.seed(1)\n')
  const hashed = await scoreWith('numpy==1.0 --hash=sha256:ab\n', false, '#!/bin/sh\necho 1\n')

  assert.deepEqual(
    [open, pinned, hashed].map(view => itemsOf(view).packages),
    [6, 12, 15],
  )
  assert.match(open.items[1]?.found ?? '', /^1 of 2 requirements leave the version open: numpy$/)
  assert.deepEqual(
    [open, pinned].map(view => itemsOf(view).git),
    [4, 10],
  )
  assert.equal(itemsOf(open).seeds, 0)
  assert.equal(itemsOf(pinned).seeds, 9)
  assert.match(pinned.items[2]?.found ?? '', /^model\/train sets a seed/)
})

test('a model that was pushed has no history to be scored by', async t => {
  const server = await openScripted(t)
  await server.workspace()

  const answer = await server.call('GET', '/workspaces/mnist/models/nothing/score')

  assert.equal(answer.json().code, 'MODEL_NOT_FOUND')
})
