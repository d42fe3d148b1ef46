import assert from 'node:assert/strict'
import test from 'node:test'
import { DATA, openScripted, SOURCE } from '../jobs/scripted.ts'

test('a training goes from bundles to a model with metrics', async t => {
  const server = await openScripted(t)
  const accepted = await server.firstTraining()

  const build = await server.build()
  const trial = await server.trial({ accuracy: 0.75, report: 'fine' })

  assert.equal(accepted.job?.state, 'JOB_STARTING')
  assert.equal(accepted.inputs.image.state, 'building')
  assert.equal(build.job, accepted.build?.jobId)
  assert.equal(trial.job, accepted.job?.jobId)
  const view = await server.job(accepted.job!.jobId)
  const model = view.models[0]
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.build, accepted.build?.jobId)
  assert.deepEqual(view.availableMetrics, ['accuracy', 'report'])
  assert.deepEqual(model?.metrics, { accuracy: 0.75, report: 'fine' })
  assert.match(model?.modelId ?? '', /^[0-9a-f]{5}_[0-9a-f]{5}:[0-9a-f]{6}$/)
  assert.equal(view.processSeconds, 2.5)
  assert.equal(model?.code.path, `/mnist:${model?.code.digest?.slice(7, 12)}`)
  assert.equal(model?.code.author, 'tester')
  assert.deepEqual(view.environment, { python: '3.12.1', cpu: 'test' })
  assert.equal(await server.log(accepted.job!.jobId), 'trained\n')
  assert.equal(await server.log(accepted.build!.jobId), 'built\n')
})

test('the order of a build and of a trial say exactly what was submitted', async t => {
  const server = await openScripted(t, { settings: { baseImage: 'base:1' } })
  await server.workspace()
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const data = await server.bundle('data', 'features', DATA)
  await server.train({ source: source.name, data: data.tree, resources: { cpu: 1.5 } })

  const build = await server.build()
  const trial = await server.claimed(['trial'])

  assert.ok(build.work.kind === 'build' && trial.work.kind === 'trial')
  assert.equal(build.work.source, source.tree)
  assert.equal(build.work.folder, 'mnist')
  assert.equal(build.work.image, `build-train-mnist:${source.name.slice(-5)}`)
  assert.deepEqual(build.work.buildArgs, { BASE_IMAGE: 'base:1' })
  assert.equal(trial.work.image.program, build.work.program)
  assert.deepEqual(trial.work.data, [{ name: data.name, tree: data.tree }])
  assert.equal(trial.work.hyper, undefined)
  assert.deepEqual(trial.work.resources, { cpu: 1.5 })
  assert.match(trial.work.output, /^[0-9a-f]{6}$/)
})

test('nothing runs until both source and data are known, and no listing fails before', async t => {
  const server = await openScripted(t)
  await server.workspace()

  const empty = await server.list()
  const data = await server.bundle('data', 'features', DATA)
  const first = await server.train({ data: data.id })
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const second = await server.train({ source: source.id })

  assert.deepEqual(empty, { ingesting: [], building: [], training: [], replaying: [] })
  assert.equal(first.job, null)
  assert.equal(first.build, null)
  assert.equal(first.inputs.image.state, 'missing')
  assert.equal(first.inputs.data.value, `/${data.name}`)
  assert.match(first.warnings[0] ?? '', /send a source bundle/)
  assert.equal(second.build?.state, 'JOB_STARTING')
  assert.equal(second.job?.reason, `it waits for build job ${second.build?.jobId}`)
})

test('what was computed already is found, and runs anew only when asked to', async t => {
  const server = await openScripted(t)
  const first = await server.firstTraining()
  await server.build()
  await server.trial()
  const source = await server.bundle('train-source', 'mnist', SOURCE)

  const same = await server.train({ source: source.id })
  const again = await server.train({ again: true })

  assert.equal(source.unchanged, true)
  assert.equal(same.unchanged, true)
  assert.equal(same.build, null)
  assert.equal(same.job?.jobId, first.job?.jobId)
  assert.equal(same.job?.state, 'JOB_SUCCESS')
  assert.equal(again.unchanged, false)
  assert.equal(again.build, null)
  assert.notEqual(again.job?.jobId, first.job?.jobId)
  assert.equal((await server.claimed(['trial'])).job, again.job?.jobId)
  assert.equal(await server.claim(), undefined)
})

test('a model made twice from the same inputs has two names', async t => {
  const server = await openScripted(t)
  await server.firstTraining()
  await server.build()
  await server.trial()
  await server.train({ again: true })

  await server.trial()

  const { models } = await server.ask<{ models: { modelId: string }[] }>(
    'GET',
    '/workspaces/mnist/models',
  )
  assert.equal(models.length, 2)
  assert.notEqual(models[0]?.modelId, models[1]?.modelId)
  assert.equal(models[0]?.modelId.split(':')[0], models[1]?.modelId.split(':')[0])
})

test('jobs of quick deploys keep the inputs they were given', async t => {
  const server = await openScripted(t)
  await server.firstTraining()
  const other = await server.bundle('train-source', 'mnist', { ...SOURCE, 'notes.txt': 'two' })
  const more = await server.bundle('data', 'features', { 'a.csv': '3,4\n' })

  const second = await server.train({ source: other.id })
  const third = await server.train({ data: more.id })
  const builds = [await server.claimed(['build']), await server.claimed(['build'])]
  for (const build of builds.toReversed()) await server.endBuild(build)
  const trials = [await server.trial(), await server.trial(), await server.trial()]

  const seen = trials.map(({ job, work }) => {
    assert.ok(work.kind === 'trial')
    return [job, work.image.name.slice(-5), work.data[0]?.name]
  })
  const [first] = (await server.list()).training.slice(-1)
  const source = hashOf(builds[0]!.work)
  assert.deepEqual(seen, [
    [first?.jobId, source, seen[0]![2]],
    [second.job?.jobId, other.name.slice(-5), seen[0]![2]],
    [third.job?.jobId, other.name.slice(-5), more.name],
  ])
  assert.equal(third.build, null)
})

function hashOf(work: { kind: string; image?: unknown }): string {
  return String(work.image).slice(-5)
}

test('a grid runs at most as many trials at once as it was given, and all of them', async t => {
  const server = await openScripted(t)
  const hyperparamsText = '{"degree": [4, 5], "kernel": ["poly", "rbf"]}'
  const accepted = await server.firstTraining({ hyperparamsText, parallelism: 2 })
  await server.build()

  const one = await server.claimed(['trial'])
  const two = await server.claimed(['trial'])
  const none = await server.claim(['trial'])
  await server.endTrial(one, { 'metrics.json': '{"score": 10}' })
  const three = await server.claimed(['trial'])
  await server.endTrial(three, { 'metrics.json': '{"score": 9}' })
  await server.endTrial(two, {})
  const running = await server.job(accepted.job!.jobId)
  await server.trial({ score: 'none' })

  assert.equal(accepted.grid?.points.length, 4)
  assert.equal(none, undefined)
  assert.ok(one.work.kind === 'trial')
  assert.equal(one.work.hyper?.hash, accepted.grid?.hash)
  assert.equal(one.work.hyper?.file, 'degree=4_kernel=poly.json')
  assert.deepEqual(one.work.hyper?.values, { degree: 4, kernel: 'poly' })
  assert.deepEqual(running.job.progress, { done: 3, failed: 0, total: 4 })
  assert.equal(running.job.hyperopt, null)
  const view = await server.job(accepted.job!.jobId, '?sortBy=score')
  assert.equal(view.job.hyperopt, true)
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.deepEqual(
    view.models.map(model => model.score),
    [10, 9, null, null],
  )
  assert.match(view.models[0]?.modelId ?? '', new RegExp(`_${accepted.grid?.hash}:`))
  assert.match(
    view.models[0]?.hyperparams?.path ?? '',
    /^\/[0-9a-f]{5}\/degree=4_kernel=poly\.json$/,
  )
})

test('a source or data without hyperparameters after a grid has none', async t => {
  const server = await openScripted(t)
  const first = await server.firstTraining({ hyperparams: { a: [1, 2] } })
  const data = await server.bundle('data', 'features', { 'b.csv': '1' })

  const second = await server.train({ data: data.id })

  assert.equal(first.inputs.hyperparams.value, `/${first.grid?.hash}/*`)
  assert.equal(second.inputs.hyperparams.state, 'missing')
  assert.deepEqual(second.job?.progress, { done: 0, failed: 0, total: 1 })
})

test('resources stay as they were set, and parallelism without a grid is warned of', async t => {
  const server = await openScripted(t)
  const first = await server.firstTraining({ resources: { cpu: 2, memoryBytes: 1024 } })

  const second = await server.train({ again: true, resources: { cpu: 1 }, parallelism: 3 })

  assert.deepEqual(first.inputs.resources, { cpu: 2, memoryBytes: 1024 })
  assert.deepEqual(second.inputs.resources, { cpu: 1, memoryBytes: 1024 })
  assert.equal(second.inputs.parallelism, 3)
  assert.match(second.warnings[0] ?? '', /no effect without hyperparameters/)
})

test('more than the host has is refused before anything is written', async t => {
  const limits = { cpus: 2, memoryBytes: 1024, gpus: 0 }
  const server = await openScripted(t, { limits })
  await server.workspace()
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const before = (await server.test.parts.ledger.head()).size

  const codes: string[] = []
  for (const resources of [{ cpu: 3 }, { memoryBytes: 2048 }, { gpu: 1 }]) {
    const answer = await server.call('POST', '/workspaces/mnist/train', {
      source: source.id,
      resources,
    })
    codes.push(`${answer.statusCode} ${answer.json().code}`)
  }

  assert.deepEqual(codes, [
    '422 CPU_REQUEST_ERROR',
    '422 MEMORY_REQUEST_ERROR',
    '422 GPU_REQUEST_ERROR',
  ])
  assert.equal((await server.test.parts.ledger.head()).size, before)
})

test('an unknown bundle, a grid that is none and an empty request are refused', async t => {
  const server = await openScripted(t)
  await server.workspace()

  const answers = []
  for (const body of [{ source: 'mnist:00000' }, { hyperparams: { a: 1 } }, {}]) {
    answers.push(await server.call('POST', '/workspaces/mnist/train', body))
  }

  assert.deepEqual(
    answers.map(answer => [answer.statusCode, answer.json().code]),
    [
      [404, 'BUNDLE_NOT_FOUND'],
      [400, 'INVALID_GRID'],
      [400, 'BAD_REQUEST'],
    ],
  )
})

test('many requests at once each have their own job, and one build between them', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const data = await server.bundle('data', 'features', DATA)

  const all = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      server.train({ source: source.id, data: data.id, hyperparams: { index: [index] } }),
    ),
  )

  assert.equal(all.filter(one => one.build !== null).length, 1)
  assert.equal(new Set(all.map(one => one.job?.jobId)).size, 8)
  await server.build()
  for (let count = 0; count < 8; count++) await server.trial()
  const states = (await server.list()).training.map(job => job.state)
  assert.deepEqual(states, Array(8).fill('JOB_SUCCESS'))
})

test('a failed build fails the trainings that wait for it and stays in the list', async t => {
  const server = await openScripted(t)
  const accepted = await server.firstTraining()
  const build = await server.claimed(['build'])

  const log = await server.sendFile(build, 'no such package\n')
  await server.report(build, {
    state: 'failed',
    reason: 'pip ended with exit code 1',
    exit: 1,
    log,
  })
  const retried = await server.train({ again: true })
  await server.build()
  await server.trial()

  const { training, building } = await server.list()
  const failed = training.find(job => job.jobId === accepted.job?.jobId)
  assert.equal(failed?.state, 'JOB_FAILURE')
  assert.match(failed?.reason ?? '', new RegExp(`kaos train logs -j ${build.job}`))
  assert.deepEqual(
    building.map(job => [job.jobId, job.state, job.reason]),
    [[build.job, 'JOB_FAILURE', 'pip ended with exit code 1']],
  )
  assert.equal(await server.log(build.job), 'no such package\n')
  assert.notEqual(retried.build?.jobId, build.job)
  assert.equal((await server.job(retried.job!.jobId)).job.state, 'JOB_SUCCESS')
})
