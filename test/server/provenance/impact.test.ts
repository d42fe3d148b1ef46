import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { ImpactView } from '../../../api/wire.ts'
import { impactView } from '../../../server/provenance/impact.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'
import { pushed, served, trained } from './trained.ts'

async function opened(t: TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

function impact(server: Scripted, id: string, more = ''): Promise<ImpactView> {
  const query = `id=${encodeURIComponent(id)}${more}`
  return server.ask('GET', `/workspaces/mnist/provenance/impact?${query}`)
}

test('what came from a data set: jobs, models, tags, endpoints, those that are gone as well', async t => {
  const server = await opened(t)
  const { model, data, job } = await trained(server)
  const other = await trained(server, { data: { 'b.csv': '3,4\n' } })
  const tag = { reference: model.modelId, tags: ['champion'] }
  await server.ask('POST', '/workspaces/mnist/repositories/best/tags', tag)
  const running = await served(server, model.modelId)
  const gone = await served(server, model.modelId)
  await server.ask('POST', `/workspaces/mnist/serve/endpoints/${gone}/kill`, {})

  const answer = await impact(server, data.name)

  const { jobs, models, tags, endpoints, counts } = answer
  assert.deepEqual(
    jobs.filter(one => one.kind === 'train').map(one => [one.job, one.state, one.author]),
    [[job, 'JOB_SUCCESS', 'tester']],
  )
  assert.deepEqual(
    models.map(one => one.id),
    [model.entity],
  )
  assert.ok(!models.some(one => one.id === other.model.entity))
  assert.deepEqual(
    tags.map(one => [one.repository, one.tag, one.entity]),
    [['best', 'champion', model.entity]],
  )
  assert.deepEqual(
    endpoints.map(one => [one.name, one.state, one.running]).sort(),
    [
      [gone, 'PIPELINE_KILLED', false],
      [running, 'PIPELINE_STARTING', true],
    ].sort(),
  )
  assert.equal(counts.models, 1)
  assert.equal(answer.truncated, false)
})

test('what was made of the same bytes under another name counts as well', async t => {
  const server = await opened(t)
  const files = { 'a.csv': '9,9\n' }
  const { data } = await trained(server, { data: files })
  await pushed(server, 'data', 'again', files)
  const source = (await trained(server)).source
  const accepted = await server.train({ source: source.id, data: 'again@v1', again: true })
  await server.trial()

  const answer = await impact(server, data.name)

  assert.ok(answer.same.some(one => one.name === 'again@v1'))
  assert.ok(answer.jobs.some(one => one.job === accepted.job!.jobId))
})

test('what was made of a model that somebody took out and brought back counts as well', async t => {
  const server = await opened(t)
  const { data, model } = await trained(server)
  const upload = await server.ask<{ upload: string }>('POST', '/workspaces/mnist/uploads', {})
  const body = { ...upload, kind: 'model', folder: 'mine', tree: model.tree }
  await server.ask('POST', '/workspaces/mnist/repositories', body)
  const endpoint = await served(server, 'mine@v1')

  const answer = await impact(server, data.name)

  assert.ok(answer.models.some(one => one.name === 'mine@v1'))
  assert.ok(answer.endpoints.some(one => one.name === endpoint))
})

test('a version does not come from the one before it, though it was pushed after it', async t => {
  const server = await opened(t)
  await pushed(server, 'data', 'points', { 'p.csv': 'wrong' })
  await pushed(server, 'data', 'points', { 'p.csv': 'right' })

  const answer = await impact(server, 'points@v1')

  assert.deepEqual(answer.others, [])
})

test('long answers come in pages, tags and endpoints on the first', async t => {
  const server = await opened(t)
  const { data, model } = await trained(server, { hyperparams: { degree: [1, 2, 3, 4, 5] } })
  const tag = { reference: model.modelId, tags: ['champion'] }
  await server.ask('POST', '/workspaces/mnist/repositories/best/tags', tag)

  const first = await impact(server, data.name, '&limit=4')
  const second = await impact(server, data.name, `&limit=4&cursor=${first.next}`)
  const bad = await server.call(
    'GET',
    `/workspaces/mnist/provenance/impact?id=${data.name}&cursor=x`,
  )

  const names = [first, second].flatMap(page => page.models.map(one => one.name))
  assert.equal(new Set(names).size, 5)
  assert.equal(first.jobs.length + first.models.length + first.others.length, 4)
  assert.deepEqual([first.tags.length, second.tags.length, second.next], [1, 0, null])
  assert.deepEqual(first.counts, second.counts)
  assert.equal(bad.statusCode, 400)
})

test('the impact of a job is what its trials made', async t => {
  const server = await opened(t)
  const { job, model } = await trained(server)

  const answer = await impact(server, job)

  assert.deepEqual(
    answer.models.map(one => one.id),
    [model.entity],
  )
})

test('tags and endpoints are found also when there is more than is looked at', async t => {
  const server = await opened(t)
  const { data, model } = await trained(server)
  await trained(server, { data: { 'b.csv': '3,4\n' } })
  const tag = { reference: model.modelId, tags: ['champion'] }
  await server.ask('POST', '/workspaces/mnist/repositories/best/tags', tag)
  const endpoint = await served(server, model.modelId)
  const { parts, jobs } = server.test
  const workspace = await parts.workspaces.find(parts.people.local, 'mnist')

  const answer = await impactView(jobs!.board, workspace, { id: data.name }, 2)

  assert.equal(answer.truncated, true)
  assert.deepEqual(answer.models, [])
  assert.deepEqual(
    answer.tags.map(one => one.tag),
    ['champion'],
  )
  assert.deepEqual(
    answer.endpoints.map(one => one.name),
    [endpoint],
  )
})
