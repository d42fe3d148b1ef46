import assert from 'node:assert/strict'
import test from 'node:test'
import type { ModelView, ServeAccepted } from '../../../api/wire.ts'
import type { Graph } from '../../../graph/ledger.ts'
import { openScripted, type Scripted, SERVE } from '../jobs/scripted.ts'

async function trained(server: Scripted): Promise<ModelView> {
  await server.firstTraining({ hyperparams: { degree: [5] } })
  await server.build()
  await server.trial()
  return server.ask('GET', '/workspaces/mnist/models/@latest')
}

test('the drawing of a model names what went into it, each with its commit', async t => {
  const server = await openScripted(t)
  const model = await trained(server)
  const url = `/workspaces/mnist/models/${encodeURIComponent(model.modelId)}/provenance`

  const dot = await server.call('GET', `${url}?format=dot`)
  const { nodes } = (await server.call('GET', `${url}?format=json`)).json() as Graph

  assert.match(String(dot.headers['content-type']), /^text\/vnd\.graphviz/)
  const disposition = `attachment; filename="model-${model.modelId}.dot"`
  assert.equal(dot.headers['content-disposition'], disposition)
  for (const kind of ['source', 'image', 'data', 'hyperparams', 'model']) {
    const node = nodes.find(one => one.kind === kind)
    assert.ok(node, kind)
    assert.ok(dot.body.includes(node.id), kind)
  }
  assert.match(dot.body, /build-train-mnist:[0-9a-f]{5}/)
  assert.match(dot.body, /[0-9a-f]{5}\/degree=5\.json/)
  assert.match(dot.body, /\/[0-9a-f]{6}\/model\/model\.pkl/)
  assert.match(dot.body, /tester/)
})

test('the graph of a model holds the trial with environment, worker and user', async t => {
  const server = await openScripted(t)
  const model = await trained(server)

  const graph = await server.ask<Graph>(
    'GET',
    `/workspaces/mnist/models/${model.entity}/provenance?format=json`,
  )

  const trial = graph.nodes.find(node => node.kind === 'trial')!
  const from = graph.edges.filter(edge => edge.from === trial.id)
  const kinds = from.map(edge => {
    const { kind } = graph.nodes.find(node => node.id === edge.to)!
    return `${edge.relation} ${kind}`
  })
  assert.deepEqual(
    kinds.sort(),
    [
      'used data',
      'used environment',
      'used hyperparams',
      'used image',
      'wasAssociatedWith user',
      'wasAssociatedWith worker',
      'wasInformedBy train',
    ].map(kind =>
      kind === 'wasAssociatedWith user' ? `wasAssociatedWith ${agentKind(graph)}` : kind,
    ),
  )
  assert.equal(trial.attributes.exit, 0)
  assert.equal(graph.truncated, false)
})

/** The local administrator's kind of agent. */
function agentKind(graph: Graph): string {
  return graph.nodes.find(node => node.class === 'agent' && node.kind !== 'worker')!.kind
}

test('a model is drawn as PDF and SVG', async t => {
  const server = await openScripted(t)
  const model = await trained(server)
  const url = `/workspaces/mnist/models/${model.entity}/provenance`

  const pdf = await server.call('GET', url)
  const svg = await server.call('GET', `${url}?format=svg`)

  assert.equal(pdf.headers['content-type'], 'application/pdf')
  assert.equal(pdf.rawPayload.subarray(0, 5).toString(), '%PDF-')
  assert.match(String(svg.headers['content-type']), /^image\/svg\+xml/)
  assert.match(svg.body, /<svg/)
})

test('the drawing of an endpoint goes on from its model, with the name of who deployed it', async t => {
  const server = await openScripted(t)
  const model = await trained(server)
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  const body = { source: source.id, model: model.modelId }
  const made = await server.ask<ServeAccepted>('POST', '/workspaces/mnist/serve', body)
  await server.build()
  const { name, code, url } = made.endpoint

  const at = `/workspaces/mnist/serve/endpoints/${name}/provenance`
  const dot = await server.call('GET', `${at}?format=dot`)
  const pdf = await server.call('GET', at)
  const { nodes } = (await server.call('GET', `${at}?format=json`)).json() as Graph

  assert.equal(pdf.headers['content-disposition'], `attachment; filename="${name}.pdf"`)
  for (const text of [name, url, model.modelId, code.slice(1), 'build-serve-mnist:', 'tester']) {
    assert.ok(dot.body.includes(text), text)
  }
  const kinds = new Set(nodes.map(node => node.kind))
  for (const kind of ['revision', 'deploy', 'build', 'image', 'source', 'model', 'trial', 'data']) {
    assert.ok(kinds.has(kind), kind)
  }
})

test('of a model that is not there nothing is drawn', async t => {
  const server = await openScripted(t)
  await server.workspace()

  const answer = await server.call('GET', '/workspaces/mnist/models/abcdef/provenance')

  assert.deepEqual([answer.statusCode, answer.json().code], [404, 'MODEL_NOT_FOUND'])
})
