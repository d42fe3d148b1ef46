import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { VerdictView } from '../../../api/wire.ts'
import { type Program, trainedScene } from './scene.ts'

async function verdictOn(
  t: TestContext,
  program: Program,
  asked: object = {},
): Promise<VerdictView> {
  const { model, reproduce } = await trainedScene(t, program)
  return (await reproduce({ model, ...asked })).verdict!
}

const causesIn = ({ causes }: VerdictView) => causes.map(({ what }) => what)

test('random numbers and the clock are told apart, each with the files it shows in', async t => {
  const program: Program = ({ forced }, turn) => ({
    files: {
      'weights.json': `seed ${forced?.seed ?? turn}`,
      'when.txt': forced?.clock ?? String(turn),
      'same.txt': 'same',
    },
  })

  const verdict = await verdictOn(t, program)

  assert.equal(verdict.verdict, 'different')
  assert.equal(verdict.agree, false)
  assert.deepEqual(
    verdict.causes.map(({ what, files }) => ({ what, files })),
    [
      { what: 'randomness', files: ['model/weights.json'] },
      { what: 'clock', files: ['model/when.txt'] },
    ],
  )
})

test('what no seed and no clock explains is not blamed on either', async t => {
  const verdict = await verdictOn(t, (_, turn) => ({ files: { 'model.json': `race ${turn}` } }))

  assert.deepEqual(causesIn(verdict), ['unknown'])
  assert.match(verdict.causes[0]?.says ?? '', /threads, a GPU, the network/)
  assert.ok(verdict.experiments.includes('with seed and clock forced replays still differ'))
})

test('replays that agree with each other but not with the original name what changed around them', async t => {
  const packages: Program = ({ forced }, turn) => ({
    files: { 'model.json': turn === 0 ? 'then' : forced ? 'forced' : 'now' },
    environment: { packages: [`numpy==${turn === 0 ? '1.0' : '2.0'}`] },
  })
  const machine: Program = ({ forced }, turn) => ({
    files: { 'model.json': turn === 0 ? 'then' : forced ? 'forced' : 'now' },
    environment: { cpu: turn === 0 ? 'old' : 'new' },
  })

  const one = await verdictOn(t, packages)
  const other = await verdictOn(t, machine, { times: 2 })

  assert.equal(one.agree, true)
  assert.deepEqual(causesIn(one), ['packages'])
  assert.deepEqual(one.causes[0]?.changed, [{ name: 'numpy', a: '1.0', b: '2.0' }])
  assert.deepEqual(causesIn(other), ['environment'])
  assert.match(other.causes[0]?.says ?? '', /it ran elsewhere: cpu old \u2192 new/)
})

test('one run that differs is called different, and no cause is made up for it', async t => {
  const program: Program = (_, turn) => ({ files: { 'model.json': String(turn) } })

  const verdict = await verdictOn(t, program, { explain: 'never' })

  assert.equal(verdict.verdict, 'different')
  assert.equal(verdict.agree, null)
  assert.deepEqual(verdict.causes, [])
  assert.deepEqual(
    verdict.difference?.files.map(({ path }) => path),
    ['model/model.json'],
  )
})

test('a tolerance counts for the metrics it names, in the run that is furthest off', async t => {
  const program: Program = (_, turn) => ({
    files: { 'model.json': String(turn) },
    metrics: { accuracy: 0.9 + turn / 100, note: `turn ${turn}` },
  })
  const { model, reproduce } = await trainedScene(t, program)
  const judged = async (tolerance: object) => {
    return (await reproduce({ model, times: 2, tolerance, explain: 'never' })).verdict!
  }

  const within = await judged({ accuracy: 0.05 })
  const outside = await judged({ '*': 0.001 })

  assert.equal(within.verdict, 'within tolerance')
  assert.deepEqual(
    within.judged.map(({ name, within }) => ({ name, within })),
    [{ name: 'accuracy', within: true }],
  )
  assert.equal(outside.verdict, 'different')
  assert.deepEqual(
    outside.judged.map(({ name, within }) => ({ name, within })),
    [{ name: 'accuracy', within: false }],
  )
})
