import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { WhyView } from '../../../api/wire.ts'
import { openScripted, type Scripted, SOURCE } from '../jobs/scripted.ts'
import { pushed, trained } from './trained.ts'

async function opened(t: TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

function why(server: Scripted, a: string, b: string): Promise<WhyView> {
  return server.ask('GET', `/workspaces/mnist/provenance/why?a=${a}&b=${b}`)
}

const roles = ({ inputs }: WhyView) => inputs.map(one => one.role)

test('models of other code differ in the code alone, which is told line by line', async t => {
  const server = await opened(t)
  const a = await trained(server, { metrics: { accuracy: 0.9, kind: 'x' } })
  const train = '#!/bin/sh\necho trained well\n'
  const model = { train, '__init__.py': '', 'weights.bin': 'a\0b' }
  const b = await trained(server, { source: { ...SOURCE, model }, metrics: { accuracy: 0.95 } })

  const answer = await why(server, a.model.entity, b.model.entity)

  assert.deepEqual(roles(answer), ['code'])
  assert.deepEqual([answer.inputs[0]?.a, answer.inputs[0]?.b], [a.source.name, b.source.name])
  assert.ok(answer.equal.includes('data') && answer.equal.includes('packages'))
  const files = answer.code[0]!.files
  assert.deepEqual(
    files.map(one => [one.path, one.change, one.diff === null]),
    [
      ['model/train', 'changed', false],
      ['model/weights.bin', 'added', true],
    ],
  )
  assert.equal(
    files[0]!.diff,
    '--- a/model/train\n+++ b/model/train\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-echo trained\n+echo trained well\n',
  )
  assert.deepEqual(answer.metrics, [
    { name: 'accuracy', a: 0.9, b: 0.95, delta: 0.95 - 0.9 },
    { name: 'kind', a: 'x', b: null, delta: null },
  ])
})

test('models of other data differ in the data alone, counted by files and bytes', async t => {
  const server = await opened(t)
  const a = await trained(server, {
    data: { kept: { 'k.csv': 'k' }, 'a.csv': '1', 'gone.csv': '22' },
  })
  const b = await trained(server, {
    data: { kept: { 'k.csv': 'k' }, 'a.csv': '123', 'new.csv': '4444' },
  })

  const answer = await why(server, a.model.entity, b.model.entity)

  assert.deepEqual(roles(answer), ['data'])
  const { added, removed, changed, files } = answer.data[0]!
  assert.deepEqual(
    [added, removed, changed],
    [
      { files: 1, bytes: 4 },
      { files: 1, bytes: 2 },
      { files: 1, bytes: 3 },
    ],
  )
  assert.deepEqual(
    files.map(one => one.path),
    ['a.csv', 'gone.csv', 'new.csv'],
  )
  assert.deepEqual(answer.code, [])
})

test('two points of one grid differ in their values', async t => {
  const server = await opened(t)
  await trained(server, { hyperparams: { degree: [2, 3], kernel: ['poly'] } })
  const { models } = await server.ask<{ models: { entity: string }[] }>(
    'GET',
    '/workspaces/mnist/models',
  )

  const answer = await why(server, models[1]!.entity, models[0]!.entity)

  assert.deepEqual(roles(answer), ['hyperparams'])
  assert.deepEqual(answer.hyperparams, [{ name: 'degree', a: '2', b: '3' }])
})

test('other packages and another machine are told by name', async t => {
  const server = await opened(t)
  const a = await trained(server, { environment: { cpu: 'one' } })
  const packages = { numpy: '2.2.0', scipy: '1.14.1' }
  const b = await trained(server, { environment: { cpu: 'other', packages } })

  const answer = await why(server, a.model.entity, b.model.entity)

  assert.deepEqual(roles(answer), ['packages', 'environment'])
  assert.deepEqual(answer.packages, [
    { name: 'numpy', a: '2.1.0', b: '2.2.0' },
    { name: 'scipy', a: null, b: '1.14.1' },
  ])
  assert.deepEqual(answer.environment, [{ name: 'cpu', a: 'one', b: 'other' }])
})

test('a model of the same inputs differs in none of them, and the same bytes are said to be so', async t => {
  const server = await opened(t)
  const a = await trained(server)
  const b = await trained(server)

  const answer = await why(server, a.model.entity, b.model.entity)
  const itself = await why(server, a.model.entity, a.model.entity)

  assert.deepEqual([answer.same, answer.inputs], [false, []])
  assert.equal(itself.same, true)
})

test('data that were made of something differ by what they were made of', async t => {
  const server = await opened(t)
  const first = await trained(server)
  const second = await trained(server, { data: { 'z.csv': '5\n' } })
  const labels = async (model: string, text: string) => {
    const made = await pushed(server, 'model', `labels${text}`, { 'l.csv': text }, { from: model })
    return made.json().version.reference as string
  }
  const [a, b] = [await labels(first.model.entity, '1'), await labels(second.model.entity, '2')]

  const answer = await why(server, a, b)

  assert.deepEqual(
    answer.inputs.map(one => [one.role, one.through]),
    [['data', ['from']]],
  )
})

test('a trained and a pushed model differ in how they came to be', async t => {
  const server = await opened(t)
  const { model, job } = await trained(server)
  await pushed(server, 'model', 'bought', { 'model.bin': '1' })

  const answer = await why(server, model.entity, 'bought@v1')
  const job2 = await server.call('GET', `/workspaces/mnist/provenance/why?a=${job}&b=bought@v1`)

  assert.deepEqual(
    answer.inputs.map(({ role, a, b }) => [role, a, b]),
    [['origin', 'trained', 'pushed']],
  )
  assert.match(job2.json().detail, /is a train; name two models/)
})
