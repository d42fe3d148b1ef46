import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { ExperimentsView } from '../../../api/wire.ts'
import { openScripted, type Scripted, SOURCE } from '../jobs/scripted.ts'
import { trained } from './trained.ts'

async function opened(t: TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

function experiments(server: Scripted, query = ''): Promise<ExperimentsView> {
  return server.ask('GET', `/workspaces/mnist/provenance/experiments?${query}`)
}

const OTHER_CODE = { ...SOURCE, model: { train: '#!/bin/sh\necho other\n' } }
const OTHER_DATA = { 'b.csv': '3,4\n' }

test('each training stands below the last one of the same code or data, with what is different', async t => {
  const server = await opened(t)
  const first = await trained(server)
  const grid = await trained(server, { hyperparams: { degree: [1, 2] } })
  const code = await trained(server, { source: OTHER_CODE })
  const apart = await trained(server, {
    source: { ...SOURCE, model: { train: '#!/bin/sh\necho apart\n' } },
    data: { 'c.csv': '5' },
    names: ['other', 'points'],
  })
  const named = await trained(server, {
    source: OTHER_CODE,
    data: OTHER_DATA,
    names: ['x', 'points'],
  })

  const { experiments: all, truncated } = await experiments(server, 'metric=accuracy')

  assert.deepEqual(
    all.map(one => [one.job, one.parent, one.link]),
    [
      [first.job, null, null],
      [grid.job, first.job, 'alike'],
      [code.job, grid.job, 'alike'],
      [apart.job, null, null],
      // The same code came under another name: content counts before names.
      [named.job, code.job, 'alike'],
    ],
  )
  assert.deepEqual(
    all.map(one => one.differs.map(({ name, a, b }) => [name, a === null, b === null])),
    [
      [],
      [['hyperparams', true, false]],
      [
        ['code', false, false],
        ['hyperparams', false, true],
      ],
      [],
      [['data', false, false]],
    ],
  )
  assert.deepEqual([all[1]?.trials, all[1]?.best, all[0]?.state], [2, 0.9, 'JOB_SUCCESS'])
  assert.equal(truncated, false)
})

test('a training that says what it came from stands below that', async t => {
  const server = await opened(t)
  const first = await trained(server)
  const second = await trained(server, { data: OTHER_DATA })
  const source = await server.bundle('train-source', 'mnist', OTHER_CODE)
  const body = { source: source.id, data: second.data.id, from: first.job.slice(0, 24) }
  const { job } = await server.train(body)

  const { experiments: all } = await experiments(server)
  const line = await experiments(server, `job=${first.job}`)
  const bad = await server.call('POST', '/workspaces/mnist/train', { ...body, from: 'nothing' })

  const third = all.find(one => one.job === job!.jobId)!
  assert.deepEqual([third.parent, third.link], [first.job, 'said'])
  assert.deepEqual(
    third.differs.map(one => one.name),
    ['code', 'data'],
  )
  assert.deepEqual(
    line.experiments.map(one => one.job),
    [first.job, second.job, third.job],
  )
  assert.deepEqual([bad.statusCode, bad.json().code], [404, 'JOB_NOT_FOUND'])
})

test('a training of another state of the same folders comes after the last of these', async t => {
  const server = await opened(t)
  const first = await trained(server)
  const second = await trained(server, { source: OTHER_CODE, data: OTHER_DATA })

  const { experiments: all } = await experiments(server)

  assert.deepEqual([all[1]?.job, all[1]?.parent, all[1]?.link], [second.job, first.job, 'alike'])
})

test('the line of a training leaves out what has nothing to do with it', async t => {
  const server = await opened(t)
  const first = await trained(server)
  await trained(server, { source: OTHER_CODE, data: OTHER_DATA, names: ['x', 'y'] })
  const build = (await server.job(first.job)).build

  const line = await experiments(server, `job=${first.job}`)
  const bad = await server.call('GET', `/workspaces/mnist/provenance/experiments?job=${build}`)

  assert.deepEqual(
    line.experiments.map(one => one.job),
    [first.job],
  )
  assert.match(bad.json().detail, /is a build-train; name a training/)
})
