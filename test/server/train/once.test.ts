import assert from 'node:assert/strict'
import test from 'node:test'
import { DATA, openScripted, type Scripted, SOURCE } from '../jobs/scripted.ts'

/** As after a kill between the change and the keeping of its answer. */
async function forgetAnswers({ test: { parts } }: Scripted): Promise<void> {
  const kept = await parts.ledger.records('idempotency/')
  assert.ok(kept.length > 0)
  await parts.ledger.commit({
    actor: parts.people.system.id,
    organisation: parts.people.system.organisation,
    records: kept.map(({ key }) => ({ key, value: null })),
  })
}

test('a training that is submitted again after its answer was lost is the same training', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const data = await server.bundle('data', 'features', DATA)
  const submit = () =>
    server.call(
      'POST',
      '/workspaces/mnist/train',
      { source: source.id, data: data.id },
      { 'idempotency-key': 'one' },
    )

  const first = (await submit()).json()
  await forgetAnswers(server)
  const second = await submit()

  assert.equal(second.statusCode, 202)
  assert.equal(second.json().job.jobId, first.job.jobId)
  assert.equal(second.json().build.jobId, first.build.jobId)
  assert.equal((await server.list()).training.length, 1)
})

test('an endpoint that is deployed again after its answer was lost is the same endpoint', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const model = { Dockerfile: 'FROM x\nRUN chmod +x serve\n', model: { serve: '#!/bin/sh\n' } }
  const source = await server.bundle('serve-source', 'mnist', model)
  const submit = () =>
    server.call(
      'POST',
      '/workspaces/mnist/serve',
      { source: source.id },
      { 'idempotency-key': 'one' },
    )

  const first = (await submit()).json()
  await forgetAnswers(server)
  const second = await submit()

  assert.equal(second.statusCode, 202)
  assert.equal(second.json().endpoint.name, first.endpoint.name)
})
