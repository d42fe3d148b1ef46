import assert from 'node:assert/strict'
import test from 'node:test'
import type { ErasableView, ErasedView } from '../../../api/wire.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'

async function erase(server: Scripted, statement: number, reason = 'a person asked') {
  return server.call('POST', '/admin/ledger/erase', { statement, reason })
}

test('an erased statement is named with who, when and why, and the ledger stays sound', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const data = await server.bundle('data', 'jane-doe', { 'a.csv': '1\n' })
  const wanted = await server.ask<ErasableView>('GET', `/admin/ledger/statement?of=${data.id}`)

  const answer = await erase(server, wanted.seq)

  assert.equal(answer.statusCode, 201, answer.body)
  const view = answer.json() as ErasedView
  assert.equal(wanted.type, 'bundle.imported')
  assert.ok(wanted.nodes.some(node => node.name?.startsWith('jane-doe')))
  assert.deepEqual([view.seq, view.type, view.reason], [wanted.seq, wanted.type, 'a person asked'])
  assert.deepEqual(
    view.nodes,
    wanted.nodes.map(node => node.id),
  )
  const { erasures } = await server.ask<{ erasures: unknown[] }>('GET', '/admin/ledger/erasures')
  assert.deepEqual(erasures, [view])
  const log = await server.test.parts.ledger.log(0, 1000)
  assert.doesNotMatch(JSON.stringify(log), /jane-doe/)
  const { findings } = await server.ask<{ findings: string[] }>('POST', '/ledger/verify')
  assert.deepEqual(findings, [])
  const again = await erase(server, wanted.seq)
  assert.equal(again.statusCode, 409)
  assert.match(again.json().message, /erased before/)
})

test('what everything is found by, an erasure, and nothing at all are refused', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const { seq } = await server.ask<ErasableView>(
    'GET',
    `/admin/ledger/statement?of=${(await server.bundle('data', 'd', { a: 'b' })).id}`,
  )
  const erased = (await erase(server, seq)).json() as ErasedView
  const { ledger } = server.test.parts
  const [workspace] = await ledger.nodes({ organisation: 'default', kind: 'workspace' })

  const answers = [
    await erase(server, workspace!.seq),
    await erase(server, erased.by),
    await erase(server, 100_000),
    await server.call('GET', '/admin/ledger/statement?of=nothing'),
    await server.call('POST', '/admin/ledger/erase', { statement: seq }),
  ]

  assert.deepEqual(
    answers.map(answer => answer.statusCode),
    [400, 400, 400, 404, 400],
  )
  assert.match(answers[0]!.json().message, /made workspace mnist/)
  assert.deepEqual(await ledger.verify(), [])
})

test('whatever is erased of a training, what is left is still answered', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { n: [1, 2] } })
  await server.build()
  await server.trial()
  await server.trial()
  const { ledger } = server.test.parts
  const { size } = await ledger.head()
  const [model] = await ledger.nodes({ organisation: 'default', kind: 'model' })

  const [base, id] = ['/workspaces/mnist', model!.id]
  const questions = [
    ...[`${base}/train`, `${base}/models`, `${base}/repositories`, `${base}/jobs/${job!.jobId}`],
    ...['artifacts', 'logs', 'measurements'].map(what => `${base}/jobs/${job!.jobId}/${what}`),
    ...['', '/document', '/impact'].map(what => `${base}/provenance${what}?id=${id}`),
    `${base}/provenance/search?kind=model`,
    `${base}/provenance/experiments`,
    `${base}/provenance/export?format=prov`,
  ].map(url => (url.includes('/document') ? `${url}&format=svg` : url))
  const statuses = async () =>
    Promise.all(questions.map(async url => (await server.call('GET', url)).statusCode))
  assert.deepEqual(await statuses(), Array(questions.length).fill(200))

  for (let seq = 0; seq < size; seq++) {
    const answer = await erase(server, seq)
    assert.ok([201, 400].includes(answer.statusCode), answer.body)
    const all = await statuses()
    assert.ok(
      all.every(status => status < 500),
      `after ${seq}: ${all}`,
    )
  }
  assert.deepEqual(await ledger.verify(), [])
})
