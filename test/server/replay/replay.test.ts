import assert from 'node:assert/strict'
import test from 'node:test'
import { DEFAULT_ORGANISATION } from '../../../api/actor.ts'
import type { TrialWork, WorkOrder } from '../../../api/attempts.ts'
import { openEnvelope } from '../../../api/attestation.ts'
import type { ReplayAccepted } from '../../../api/wire.ts'
import { readSmallFile } from '../../../store/trees.ts'
import { type Program, play, trainedScene, viewOf } from './scene.ts'

const STEADY: Program = () => ({ files: { 'model.json': '{}' }, metrics: { accuracy: 0.9 } })
const REPLAYS = '/workspaces/mnist/replays'

const trialOf = (order: WorkOrder | undefined) => order!.work as TrialWork

/** What a program can tell from where it runs; the name that its result gets is not among it. */
function told(order: WorkOrder | undefined): Omit<TrialWork, 'model'> {
  const { model: _, ...work } = trialOf(order)
  return work
}

test('a replay is told what the original was told, and ends as identical', async t => {
  const { first, orders, model, job, reproduce, server } = await trainedScene(t, STEADY, {
    hyperparams: { degree: [4] },
    resources: { cpu: 1 },
  })

  const view = await reproduce({ job, times: 2 })

  assert.deepEqual(orders.slice(1).map(told), [told(first), told(first)])
  assert.equal(view.verdict?.verdict, 'identical')
  assert.equal(view.verdict?.agree, true)
  assert.deepEqual(
    view.runs.map(({ run, state }) => ({ run, state })),
    [
      { run: 'as recorded', state: 'identical' },
      { run: 'as recorded', state: 'identical' },
    ],
  )
  assert.equal(view.of.modelId, model)
  assert.equal(view.job.kind, 'replay')
  const { from, models } = await server.job(view.job.jobId)
  assert.equal(from, job)
  assert.deepEqual(
    models.map(one => one.modelId),
    [null, null],
  )
})

test('a replay moves nothing that a deploy moves, and is no model', async t => {
  const { server, model, reproduce } = await trainedScene(t, STEADY)
  const { ledger } = server.test.parts
  const moved = async () =>
    (await ledger.pointers('')).filter(one => !/^job\/.*\/outcome$/.test(one.name))
  const before = await moved()

  const view = await reproduce({ model })

  assert.deepEqual(await moved(), before)
  const { models } = await server.ask<{ models: object[] }>('GET', '/workspaces/mnist/models')
  assert.equal(models.length, 1)
  const list = await server.list()
  assert.equal(list.training.length, 1)
  assert.deepEqual(
    list.replaying?.map(({ replay }) => replay?.verdict),
    ['identical'],
  )
  const deployed = await server.train({ source: 'mnist', data: 'features@v1' })
  assert.equal(deployed.unchanged, true)
  assert.equal(deployed.job?.jobId, list.training[0]?.jobId)
  const graph = await ledger.lineage(view.entity!, { direction: 'up', depth: 1 })
  assert.deepEqual(
    graph.edges
      .filter(({ from }) => from === view.entity)
      .map(({ relation, role }) => `${relation} ${role ?? ''}`.trim())
      .sort(),
    ['wasAttributedTo', 'wasDerivedFrom original', 'wasDerivedFrom replica', 'wasGeneratedBy'],
  )
})

test('a verdict is signed by the installation, about the model, in the same statement', async t => {
  const { server, model, reproduce } = await trainedScene(t, STEADY)
  const { ledger, store, keys } = server.test.parts

  const view = await reproduce({ model })

  const query = { organisation: DEFAULT_ORGANISATION, kind: 'attestation', limit: 100 }
  const verdict = (await ledger.node(view.entity!))!
  const signed = (await ledger.nodes(query)).find(node => node.seq === verdict.seq)
  const [about] = (await ledger.lineage(signed!.id, { direction: 'up', depth: 1 })).edges.filter(
    edge => edge.from === signed!.id && edge.role === 'subject',
  )
  const envelope = JSON.parse(String(await readSmallFile(store, signed!.digest!, 1 << 20)))
  const { kid, publicKey } = await keys.current()
  const { statement } = openEnvelope<{ verdict: string; replay: string }>(
    envelope,
    [{ kid, publicKey }],
    'https://kaos.dev/replay/v1',
  )
  assert.equal(about?.to, verdict.attributes.model)
  assert.equal(statement.subject[0]?.name, model)
  assert.equal(statement.predicate.verdict, 'identical')
  assert.equal(statement.predicate.replay, `urn:kaos:${ledger.id}:${view.job.jobId}`)
})

test('what the first run makes becomes a model only when that is asked for', async t => {
  const { server, model, reproduce } = await trainedScene(t, STEADY)

  const view = await reproduce({ model, keep: true, times: 2 })

  const { models } = await server.ask<{ models: { modelId: string; jobId: string }[] }>(
    'GET',
    '/workspaces/mnist/models',
  )
  assert.equal(models.length, 2)
  assert.equal(models[0]?.jobId, view.job.jobId)
  assert.equal((await reproduce({ model: models[0]?.modelId })).verdict?.verdict, 'identical')
})

test('packages resolved anew are built for the replay alone, and used by it alone', async t => {
  let recorded: string | undefined
  const program: Program = ({ image }) => {
    recorded ??= image.tree
    const version = image.tree === recorded ? 1 : 2
    const environment = { packages: [`numpy==${version}.0`] }
    return { files: { 'model.json': `made with numpy ${version}` }, environment }
  }
  const { server, job, orders, work } = await trainedScene(t, program)
  const { job: replay, build } = await server.ask<ReplayAccepted>('POST', REPLAYS, {
    job,
    fresh: true,
  })
  assert.match((await server.job(replay.jobId)).job.reason ?? '', /^it waits for build job /)

  const order = await server.build()
  await work()

  assert.equal(order.job, build?.jobId)
  assert.ok(order.work.kind === 'build' && order.work.fresh === true)
  const used = orders.slice(1).map(one => trialOf(one).image.tree === recorded)
  assert.deepEqual(used, [false, true])
  const { verdict } = await viewOf(server, replay.jobId)
  assert.equal(verdict?.verdict, 'different')
  assert.equal(verdict?.fresh, true)
})

test('packages that cannot be resolved anew end the replay, and no listing of builds shows it', async t => {
  const { server, job } = await trainedScene(t, STEADY)
  const asked = { job, fresh: true }
  const { job: replay, build } = await server.ask<ReplayAccepted>('POST', REPLAYS, asked)

  const order = await server.claimed(['build'])
  await server.report(order, { state: 'failed', reason: 'no such package' })

  const view = await viewOf(server, replay.jobId)
  assert.equal(view.job.state, 'JOB_FAILURE')
  assert.match(
    view.job.reason ?? '',
    new RegExp(`^the packages could not .* ${build?.jobId} failed`),
  )
  assert.equal(view.verdict, null)
  assert.deepEqual((await server.list()).building, [])
})

test('a run that fails makes the verdict, and the job, a failure', async t => {
  const { server, job } = await trainedScene(t, STEADY)
  const { job: replay } = await server.ask<ReplayAccepted>('POST', REPLAYS, { job })

  const order = await server.claimed(['trial'])
  await server.report(order, { state: 'failed', exit: 1, reason: 'no space' })

  const view = await viewOf(server, replay.jobId)
  assert.equal(view.job.state, 'JOB_FAILURE')
  assert.match(view.job.reason ?? '', /did not come to its end: no space/)
  assert.equal(view.verdict?.verdict, 'failed')
  assert.equal(view.runs[0]?.state, 'failed')
})

test('a replay that is killed has no verdict', async t => {
  const { server, job } = await trainedScene(t, STEADY)
  const { job: replay } = await server.ask<ReplayAccepted>('POST', REPLAYS, { job })

  await server.ask('POST', `/workspaces/mnist/jobs/${replay.jobId}/kill`, {})

  const view = await viewOf(server, replay.jobId)
  assert.equal(view.job.state, 'JOB_KILLED')
  assert.equal(view.verdict, null)
})

test('a replay goes on where it was when the server comes back', async t => {
  let count = 0
  const dice: Program = ({ forced }) => ({
    files: { 'model.json': forced ? `seed ${forced.seed}` : `dice ${++count}` },
  })
  const { server, job } = await trainedScene(t, dice)
  const { job: replay } = await server.ask<ReplayAccepted>('POST', REPLAYS, { job })
  await play(server, await server.claimed(['trial']), dice, 0)

  const later = await server.restart()
  for (let order = await later.claim(['trial']); order; order = await later.claim(['trial'])) {
    await play(later, order, dice, 0)
  }

  const { verdict, runs } = await viewOf(later, replay.jobId)
  assert.equal(runs.length, 6)
  assert.deepEqual(
    verdict?.causes.map(({ what }) => what),
    ['randomness'],
  )
})

test('what is quarantined is not run again', async t => {
  const { server, job } = await trainedScene(t, STEADY)
  const body = { id: 'features@v1', reason: 'leaks the labels' }
  await server.ask('POST', '/workspaces/mnist/quarantine', body)

  const answer = await server.call('POST', REPLAYS, { job })

  assert.equal(answer.json().code, 'QUARANTINED')
  assert.match(answer.json().message, /leaks the labels/)
})

test('the same call again is the same replay', async t => {
  const { server, job } = await trainedScene(t, STEADY)
  const headers = { 'idempotency-key': 'once-only' }

  const one = await server.call('POST', REPLAYS, { job }, headers)
  const other = await server.call('POST', REPLAYS, { job }, headers)

  assert.equal(one.statusCode, 202)
  assert.equal(other.json().job.jobId, one.json().job.jobId)
  assert.equal((await server.list()).replaying?.length, 1)
})

test('what cannot be run again is refused with what to do', async t => {
  const { server, job, model } = await trainedScene(t, STEADY, { hyperparams: { degree: [4, 5] } })
  const organisation = DEFAULT_ORGANISATION
  const refused = async (body: object) => (await server.call('POST', REPLAYS, body)).json()
  const data = await server.bundle('data', 'other', { 'b.csv': '1' })
  const builds = await server.test.parts.ledger.nodes({ organisation, kind: 'build', limit: 1 })

  assert.match((await refused({})).message, /name either a model or the job/)
  assert.match((await refused({ job, model })).message, /name either a model or the job/)
  assert.match((await refused({ job })).message, /has 2 trials; name one with --trial 0 to 1/)
  assert.match((await refused({ job, trial: 2 })).message, /has no trial 2; it has 0 to 1/)
  assert.match((await refused({ job: builds[0]?.id })).message, /is no training/)
  assert.match(
    (await refused({ model, tolerance: { f1: 1 } })).message,
    /no metric "f1"; it has acc/,
  )
  assert.equal((await refused({ model: data.id })).code, 'MODEL_NOT_FOUND')
})
