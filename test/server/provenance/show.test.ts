import assert from 'node:assert/strict'
import test from 'node:test'
import type { ProvenanceView } from '../../../api/wire.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'
import { pushed, served, trained } from './trained.ts'

const BASE = '/workspaces/mnist/provenance'

function show(server: Scripted, id: string, more = ''): Promise<ProvenanceView> {
  return server.ask('GET', `${BASE}?id=${encodeURIComponent(id)}${more}`)
}

async function opened(t: Parameters<typeof openScripted>[0]): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

test('a thing is found by every name that a person has of it', async t => {
  const server = await opened(t)
  const { model, data, source, job } = await trained(server)
  const endpoint = await served(server, model.modelId)
  await pushed(server, 'data', 'points', { 'p.csv': '1' }, { tags: ['clean'] })
  const names: [string, string][] = [
    [model.modelId, 'model'],
    [model.modelId.slice(-6), 'model'],
    [model.entity, 'model'],
    ['@latest', 'model'],
    [data.name, 'data'],
    [data.tree, 'data'],
    [source.name, 'source'],
    ['points@v1', 'data'],
    ['points:clean', 'data'],
    [job, 'train'],
    [job.slice(0, 20), 'train'],
    [endpoint, 'revision'],
    [endpoint.slice(-6), 'revision'],
  ]

  const kinds = await Promise.all(
    names.map(async ([name]) => {
      const { of, nodes } = await show(server, name)
      return [name, nodes.find(node => node.id === of)?.kind]
    }),
  )
  const nothing = await server.call('GET', `${BASE}?id=nothing`)

  assert.deepEqual(kinds, names)
  assert.deepEqual([nothing.statusCode, nothing.json().code], [404, 'NOT_FOUND'])
  assert.match(nothing.json().detail, /nothing called nothing in workspace mnist.*kaos train list/)
})

test('upwards stands all that a model was made of, with who made it; downwards what came of it', async t => {
  const server = await opened(t)
  const { model, data } = await trained(server)

  const up = await show(server, model.modelId)
  const down = await show(server, data.name, '&direction=down')
  const near = await show(server, model.modelId, '&depth=1')

  const kinds = new Set(up.nodes.map(node => node.kind))
  for (const kind of ['trial', 'train', 'image', 'build', 'source', 'data', 'environment']) {
    assert.ok(kinds.has(kind), kind)
  }
  const first = up.nodes[0]!
  assert.deepEqual([first.id, first.name, first.author], [up.of, model.modelId, 'tester'])
  assert.deepEqual(first.metrics, { accuracy: 0.9 })
  assert.ok(down.nodes.some(node => node.id === model.entity))
  assert.ok(!down.nodes.some(node => node.kind === 'source'))
  assert.ok(near.nodes.length < up.nodes.length)
})

test('as of a moment nothing that came later is there', async t => {
  const server = await opened(t)
  const { ledger } = server.test.parts
  const before = await trained(server)
  const { size } = await ledger.head()
  const noon = new Date(server.test.clock.now).toISOString()
  server.test.clock.now += 3600_000
  const after = await trained(server)

  const bySeq = await show(server, before.data.name, `&direction=down&asOf=${size - 1}`)
  const byTime = await show(server, before.data.name, `&direction=down&asOf=${noon}`)
  const now = await show(server, before.data.name, '&direction=down')
  const missing = await server.call('GET', `${BASE}?id=${after.model.entity}&asOf=${noon}`)
  const latest = await show(server, '@latest', `&asOf=${noon}`)
  const early = await server.call('GET', `${BASE}?id=@latest&asOf=2001-01-01`)
  const bad = await server.call('GET', `${BASE}?id=@latest&asOf=yesterday`)

  const models = ({ nodes }: ProvenanceView) =>
    nodes.filter(node => node.kind === 'model').map(node => node.id)
  assert.deepEqual(models(bySeq), [before.model.entity])
  assert.deepEqual(models(byTime), [before.model.entity])
  assert.deepEqual(models(now).sort(), [before.model.entity, after.model.entity].sort())
  assert.equal(byTime.asOf, size - 1)
  assert.equal(latest.of, before.model.entity)
  assert.match(missing.json().detail, /at that time/)
  assert.match(early.json().detail, /nothing as old as 2001-01-01; it begins at/)
  assert.deepEqual([bad.statusCode, bad.json().code], [400, 'BAD_REQUEST'])
})

test('a model of one training is drawn in the look of the original', async t => {
  const server = await opened(t)
  const { model } = await trained(server)
  const endpoint = await served(server, model.modelId)

  const own = await server.call('GET', `${BASE}/document?id=${model.entity}&format=dot`)
  const classic = await server.call(
    'GET',
    `/workspaces/mnist/models/${model.entity}/provenance?format=dot`,
  )
  const ownServed = await server.call('GET', `${BASE}/document?id=${endpoint}&format=dot`)
  const classicServed = await server.call(
    'GET',
    `/workspaces/mnist/serve/endpoints/${endpoint}/provenance?format=dot`,
  )

  assert.equal(own.body, classic.body)
  assert.equal(ownServed.body, classicServed.body)
})

test('a grid is drawn in few boxes, however many trials it has', async t => {
  const server = await opened(t)
  const { data } = await trained(server, { hyperparams: { degree: [1, 2, 3, 4, 5, 6] } })
  const url = `${BASE}/document?id=${data.name}&direction=down`

  const dot = await server.call('GET', `${url}&format=dot`)
  const pdf = await server.call('GET', `${url}&format=pdf`)
  const svg = await server.call('GET', `${url}&format=svg`)

  assert.match(dot.body, /"trial ×6"/)
  assert.match(dot.body, /"model ×6"/)
  assert.equal(pdf.rawPayload.subarray(0, 5).toString(), '%PDF-')
  assert.match(svg.body, /<svg/)
  const name = pdf.headers['content-disposition']
  assert.equal(name, `attachment; filename="features@v1-down.pdf"`)
})

test('the same part of the graph is there as JSON and as PROV-JSON', async t => {
  const server = await opened(t)
  const { model } = await trained(server)
  const url = `${BASE}/document?id=${model.entity}`

  const graph = (await server.call('GET', `${url}&format=json`)).json()
  const prov = (await server.call('GET', `${url}&format=prov`)).json()

  const entities = graph.nodes.filter((node: { class: string }) => node.class === 'entity')
  assert.equal(Object.keys(prov.entity).length, entities.length)
  assert.ok(`kaos:${model.entity}` in prov.entity)
  assert.ok(Object.keys(prov.used).length > 0)
})
