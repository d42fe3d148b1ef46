import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { FRAMES_TYPE } from '../../../api/transfer/protocol.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { fileFrames, putBytes } from '../../../store/trees.ts'
import { openScripted, type Scripted, SOURCE } from '../jobs/scripted.ts'

const MANIFEST = '{"url": "https://example.com/a.csv", "path": "a.csv"}\n'
const HASH = createHash('sha256').update(MANIFEST).digest('hex').slice(0, 5)

async function opened(t: test.TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  await server.train({ source: source.id })
  return server
}

test('a training of a manifest waits for the image and the files, and keeps where they are from', async t => {
  const server = await opened(t)
  const accepted = await server.train({ manifest: MANIFEST, manifestName: 'features' })
  const job = accepted.job!.jobId

  await server.build()
  const early = await server.claim(['trial'])
  await server.ingest()
  const trial = await server.trial()

  assert.equal(accepted.job?.state, 'JOB_STARTING')
  assert.equal(accepted.manifest?.name, `manifest:${HASH}`)
  assert.equal(accepted.inputs.data.state, 'building')
  assert.equal(accepted.ingest?.kind, 'ingest')
  assert.equal(early, undefined)
  assert.ok(trial.work.kind === 'trial')
  assert.match(trial.work.data[0]?.name ?? '', /^features:[0-9a-f]{5}$/)
  const view = await server.job(job)
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.ingest, accepted.ingest?.jobId)
  const data = view.models[0]!.data
  assert.equal(data.path, `/${trial.work.data[0]?.name}`)
  assert.equal(view.models[0]?.modelId?.split('_')[1]?.slice(0, 5), data.digest?.slice(7, 12))
  const { ledger } = server.test.parts
  const node = await ledger.node(data.entity)
  assert.deepEqual(node?.attributes.sources, [
    { url: 'https://example.com/a.csv', path: 'a.csv', sha256: '00', size: 4 },
  ])
  const { nodes, edges } = await ledger.lineage(data.entity, { direction: 'up' })
  const manifest = nodes.find(one => one.kind === 'manifest')
  const activity = nodes.find(one => one.kind === 'import')
  assert.equal(manifest?.name, `manifest:${HASH}`)
  assert.equal(activity?.id, accepted.ingest?.jobId)
  assert.ok(edges.some(one => one.from === activity?.id && one.to === manifest?.id))
})

test('the order of an ingestion names the manifest as it was sent', async t => {
  const server = await openScripted(t, { settings: { ingestAllow: ['10.0.0.0/8'] } })
  await server.workspace()
  await server.train({ manifest: MANIFEST })
  const order = await server.claimed(['ingest'])

  assert.ok(order.work.kind === 'ingest')
  assert.deepEqual(order.work.allow, ['10.0.0.0/8'])
  assert.equal(order.work.total, 1)
  const url = `/api/v1/attempts/${order.attempt}/trees/${order.work.manifest}`
  const headers = { authorization: `Bearer ${order.token}` }
  const frames = await server.test.app.inject({ url, headers })
  assert.equal(frames.statusCode, 200)
  assert.ok(frames.rawPayload.includes(MANIFEST))
})

test('a manifest that was fetched is not fetched again, unless asked to', async t => {
  const server = await opened(t)
  await server.train({ manifest: MANIFEST })
  await server.build()
  await server.ingest()
  await server.trial()

  const same = await server.train({ manifest: MANIFEST })
  const none = await server.claim(['ingest'])
  const again = await server.train({ manifest: MANIFEST, again: true })
  await server.ingest({ 'a.csv': '9,9\n' })

  assert.equal(same.unchanged, true)
  assert.equal(same.manifest?.unchanged, true)
  assert.equal(same.ingest, null)
  assert.equal(none, undefined)
  assert.equal(again.unchanged, false)
  assert.equal(again.manifest?.unchanged, false)
  const inputs = await server.ask<{ data: { value: string } }>(
    'GET',
    '/workspaces/mnist/train/inputs',
  )
  assert.notEqual(inputs.data.value, same.inputs.data.value)
})

test('two deploys of one manifest share its ingestion, and each keeps its own data', async t => {
  const server = await opened(t)
  const other = '{"url": "https://example.com/b.csv", "path": "b.csv"}\n'
  const first = await server.train({ manifest: MANIFEST })
  const shared = await server.train({ manifest: MANIFEST, again: true })
  const second = await server.train({ manifest: other })
  await server.build()
  await server.ingest({ 'a.csv': '1\n' })
  await server.ingest({ 'b.csv': '2\n' })
  const trials = [await server.trial(), await server.trial(), await server.trial()]

  const dataOf = (id: string) => {
    const { work } = trials.find(one => one.job === id)!
    return work.kind === 'trial' ? work.data[0]?.tree : undefined
  }
  assert.equal(shared.ingest?.jobId, first.ingest?.jobId)
  assert.equal(dataOf(first.job!.jobId), dataOf(shared.job!.jobId))
  assert.notEqual(dataOf(first.job!.jobId), dataOf(second.job!.jobId))
})

test('an ingestion that fails fails the training, stays in the list, and is tried anew when sent', async t => {
  const server = await opened(t)
  const accepted = await server.train({ manifest: MANIFEST })
  const order = await server.claimed(['ingest'])
  await server.renew(order, 'running', {
    progress: { done: 0, failed: 0, skipped: 0, total: 1 },
  })
  const [running] = (await server.list()).ingesting
  const reason = 'https://example.com/a.csv cannot be fetched: the server answers with 404'
  await server.report(order, {
    state: 'failed',
    reason,
    progress: { done: 0, failed: 1, skipped: 0, total: 1 },
  })

  const [row] = (await server.list()).ingesting
  const job = await server.job(accepted.job!.jobId)
  const later = await server.train({ again: true })
  const anew = await server.train({ manifest: MANIFEST })

  assert.equal(running?.state, 'JOB_RUNNING')
  assert.equal(row?.state, 'JOB_FAILURE')
  assert.equal(row?.reason, reason)
  assert.deepEqual(row?.progress, { done: 0, failed: 1, skipped: 0, total: 1 })
  assert.equal(job.job.state, 'JOB_FAILURE')
  assert.ok(job.job.reason?.includes(reason), job.job.reason ?? '')
  assert.equal(later.job, null)
  assert.match(later.warnings.join(), /manifest in force could not be fetched/)
  assert.notEqual(anew.ingest?.jobId, accepted.ingest?.jobId)
  assert.equal(anew.job?.state, 'JOB_STARTING')
})

test('progress is told while an ingestion runs, by the beginning of its id too', async t => {
  const server = await opened(t)
  const { ingest } = await server.train({ manifest: MANIFEST })
  const order = await server.claimed(['ingest'])
  await server.renew(order, 'running')
  const progress = { done: 1, failed: 0, skipped: 0, total: 1 }
  await server.renew(order, 'running', { progress })

  const view = await server.job(ingest!.jobId.slice(0, 30))

  assert.deepEqual(view.job.progress, progress)
  assert.equal(view.job.jobId, ingest?.jobId)
})

test('killing an ingestion ends it and the training that waits, queued or running', async t => {
  const server = await opened(t)
  const kill = (id: string) => server.ask('POST', `/workspaces/mnist/jobs/${id}/kill`, {})
  const first = await server.train({ manifest: MANIFEST })
  await kill(first.ingest!.jobId)
  const second = await server.train({ manifest: MANIFEST })
  const order = await server.claimed(['ingest'])
  await kill(second.ingest!.jobId)
  const lease = await server.renew(order, 'running')
  await server.report(order, { state: 'stopped' })

  assert.equal(lease.json().stop, true)
  for (const { job, ingest } of [first, second]) {
    assert.equal((await server.job(ingest!.jobId)).job.state, 'JOB_KILLED')
    const training = (await server.job(job!.jobId)).job
    assert.equal(training.state, 'JOB_FAILURE')
    assert.match(training.reason ?? '', /ingestion job [0-9a-f]{32} was killed/)
  }
})

test('a killed training lets the ingestion go on', async t => {
  const server = await opened(t)
  const { job, ingest } = await server.train({ manifest: MANIFEST })
  await server.ask('POST', `/workspaces/mnist/jobs/${job!.jobId}/kill`, {})

  await server.ingest()

  assert.equal((await server.job(job!.jobId)).job.state, 'JOB_KILLED')
  assert.equal((await server.job(ingest!.jobId)).job.state, 'JOB_SUCCESS')
  assert.match(await server.log(ingest!.jobId), /fetched/)
})

test('an ingestion goes on after a crash of the server', async t => {
  const before = await opened(t)
  const { job } = await before.train({ manifest: MANIFEST })
  await before.build()
  const server = await before.restart()
  await server.ingest()
  await server.trial()

  assert.equal((await server.job(job!.jobId)).job.state, 'JOB_SUCCESS')
})

test('files of another number than the manifest names are refused', async t => {
  const server = await opened(t)
  await server.train({ manifest: MANIFEST })
  const order = await server.claimed(['ingest'])

  const answer = await server.endIngest(order, { 'a.csv': '1\n', 'b.csv': '2\n' })

  assert.equal(answer.statusCode, 400)
})

test('a large manifest comes as a stored file, and only from who has sent it', async t => {
  const server = await opened(t)
  const base = '/workspaces/mnist/uploads'
  const { upload } = await server.ask<{ upload: string }>('POST', base, {})
  const store = await openMemoryStore()
  const { digest } = await putBytes(store, Buffer.from(MANIFEST))
  const frames = Buffer.concat(await Array.fromAsync(fileFrames(store, digest)))
  const manifestFile = { upload, digest }
  const early = await server.call('POST', '/workspaces/mnist/train', { manifestFile })

  await server.call('POST', `${base}/${upload}/objects`, frames, { 'content-type': FRAMES_TYPE })
  const accepted = await server.train({ manifestFile })

  assert.equal(early.statusCode, 404)
  assert.equal(accepted.manifest?.name, `manifest:${HASH}`)
})

for (const [what, body, message] of [
  ['a bad line', { manifest: `${MANIFEST}{"url": 1}` }, /line 2/],
  ['a manifest and a bundle', { manifest: MANIFEST, data: 'a' }, /not both/],
  ['a name with a slash', { manifest: MANIFEST, manifestName: 'a/b' }, /not allowed/],
] as const) {
  test(`${what} is refused with what is wrong`, async t => {
    const server = await openScripted(t)
    await server.workspace()

    const answer = await server.call('POST', '/workspaces/mnist/train', body)

    assert.equal(answer.statusCode, 400)
    assert.match(answer.json().message, message)
  })
}
