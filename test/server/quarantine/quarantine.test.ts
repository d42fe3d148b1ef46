import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import type {
  PushView,
  QuarantineList,
  QuarantineView,
  ServeList,
  TrainAccepted,
} from '../../../api/wire.ts'
import { type Files, openScripted, type Scripted, SERVE } from '../jobs/scripted.ts'
import { pushed, served, trained } from '../provenance/trained.ts'

const BASE = '/workspaces/mnist/quarantine'
const REASON = { reason: 'the labels of May are swapped' }

async function opened(t: TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

function quarantine(server: Scripted, id: string, more: object = {}): Promise<QuarantineView> {
  return server.ask('POST', BASE, { id, ...REASON, ...more })
}

function lift(server: Scripted, id: string): Promise<LightMyRequestResponse> {
  return server.call('POST', `${BASE}/lift`, { id, reason: 'they were right' })
}

function tag(server: Scripted, reference: string): Promise<LightMyRequestResponse> {
  const body = { reference, tags: ['champion'] }
  return server.call('POST', '/workspaces/mnist/repositories/best/tags', body)
}

async function serve(server: Scripted, model: string): Promise<LightMyRequestResponse> {
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  return server.call('POST', '/workspaces/mnist/serve', { source: source.id, model })
}

function train(server: Scripted, request: object): Promise<LightMyRequestResponse> {
  return server.call('POST', '/workspaces/mnist/train', { again: true, ...request })
}

const refused = (answer: LightMyRequestResponse) => [answer.statusCode, answer.json().code]
const QUARANTINED = [409, 'QUARANTINED']

test('nothing is trained, served or tagged from quarantined data or what was made of them', async t => {
  const server = await opened(t)
  const { data, source, model } = await trained(server)

  await quarantine(server, data.name)
  const answers = [
    await train(server, { source: source.id, data: data.id }),
    await serve(server, model.modelId),
    await tag(server, model.modelId),
    await tag(server, 'features@v1'),
    // The data in force.
    await train(server, { source: source.id }),
  ]
  assert.deepEqual(
    answers.map(refused),
    answers.map(() => QUARANTINED),
  )
  const [first, second] = answers
  assert.match(
    first!.json().detail,
    /^features@v1 is quarantined by tester since \d{4}-\d\d-\d\d \d\d:\d\d UTC: the labels of May are swapped; see/,
  )
  assert.match(second!.json().detail, /was made of features@v1, which is quarantined by tester/)
  assert.deepEqual(second!.json().data.reason, REASON.reason)
})

test('lifting a quarantine makes all of it usable again, and both are facts with their reasons', async t => {
  const server = await opened(t)
  const { data, source, model } = await trained(server)
  await quarantine(server, data.name)

  const lifted = await lift(server, 'features@v1')
  const answers = [
    await train(server, { source: source.id, data: data.id }),
    await serve(server, model.modelId),
    await tag(server, model.modelId),
  ]
  const again = await lift(server, data.name)

  assert.equal(lifted.statusCode, 200)
  assert.deepEqual(
    answers.map(one => one.statusCode),
    [202, 202, 200],
  )
  assert.deepEqual(refused(again), [404, 'NOT_FOUND'])
  const log = await server.test.parts.ledger.log(0, 1000)
  const said = log
    .map(entry => JSON.parse(entry.payload ?? '{}'))
    .filter(one => /quarantine/.test(one.type))
  assert.deepEqual(
    said.map(one => [one.type, one.detail.reason, one.detail.entity]),
    [
      ['content.quarantined', REASON.reason, data.id],
      ['quarantine.lifted', 'they were right', data.id],
    ],
  )
})

test('bringing the same bytes again, under any name, launders nothing', async t => {
  const server = await opened(t)
  const files = { 'a.csv': '1,2\n', b: { 'c.csv': '3,4\n' } }
  const { data, source } = await trained(server, { data: files })
  await quarantine(server, data.name)

  const kept = await pushed(server, 'data', 'clean', files)
  const tagged = await pushed(server, 'data', 'clean', files, { tags: ['good'] })
  const deployed = await train(server, { source: source.id, data: 'clean@v1' })
  const nested = await pushed(server, 'data', 'box', { 'readme.txt': 'x', inner: files })
  const boxed = await train(server, { source: source.id, data: 'box@v1' })

  assert.equal(kept.statusCode, 201)
  assert.match(
    (kept.json() as PushView).warnings[0]!,
    /is the same as features@v1, which is quarant/,
  )
  assert.deepEqual([tagged, deployed, boxed].map(refused), [QUARANTINED, QUARANTINED, QUARANTINED])
  assert.equal(nested.statusCode, 201)
  assert.match(boxed.json().detail, /box@v1 holds features@v1, which is quarantined/)
})

test('a model that was taken out and brought back is what it was made of', async t => {
  const server = await opened(t)
  const { data, model } = await trained(server)
  const upload = await server.ask<{ upload: string }>('POST', '/workspaces/mnist/uploads', {})
  const body = { ...upload, kind: 'model', folder: 'mine', tree: model.tree }
  await server.ask('POST', '/workspaces/mnist/repositories', body)

  const before = await tag(server, 'mine@v1')
  await quarantine(server, data.name)
  const after = await serve(server, 'mine@v1')

  assert.equal(before.statusCode, 200)
  assert.deepEqual(refused(after), QUARANTINED)
})

test('what comes after in a repository is its own content', async t => {
  const server = await opened(t)
  const { source } = await trained(server)
  await pushed(server, 'data', 'points', { 'p.csv': 'wrong' })
  await quarantine(server, 'points@v1')
  await pushed(server, 'data', 'points', { 'p.csv': 'right' })

  const answer = await train(server, { source: source.id, data: 'points@v2' })

  assert.equal(answer.statusCode, 202)
})

test('a copy with most of the files is a near match: told when it is brought and when it is used', async t => {
  const server = await opened(t)
  const { source } = await trained(server)
  const many: Files = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`${i}.csv`, `${i}`.repeat(100)]),
  )
  await pushed(server, 'data', 'points', many)
  await quarantine(server, 'points@v1')
  const { '0.csv': _, ...most } = many
  const few = { '1.csv': '1'.repeat(100), 'new.csv': 'n'.repeat(1000) }

  const brought = await pushed(server, 'data', 'similar', { ...most, 'x.csv': 'x' })
  const used = await train(server, { source: source.id, data: 'similar@v1' })
  const other = await pushed(server, 'data', 'other', few)

  const like = /^similar.* is much like points@v1, which is quarantined \(the labels.*\d\d % of the/
  assert.match((brought.json() as PushView).warnings[0]!, like)
  assert.equal(used.statusCode, 202)
  assert.match((used.json() as TrainAccepted).warnings[0]!, like)
  assert.deepEqual((other.json() as PushView).warnings, [])
})

test('what runs with it is told, and stopped when that is asked for', async t => {
  const server = await opened(t)
  const { data, source, model } = await trained(server)
  const endpoint = await served(server, model.modelId)
  const { job } = await server.train({ source: source.id, data: data.id, again: true })
  const open = () => server.ask<ServeList>('GET', '/workspaces/mnist/serve')

  const told = await quarantine(server, data.name)
  const listed = await open()
  const drained = await quarantine(server, data.name, { drain: true })
  const after = await open()

  const affected = [
    ['endpoint', endpoint],
    ['job', job!.jobId],
  ]
  const short = ({ affected: all }: QuarantineView) => all.map(one => [one.kind, one.name])
  assert.deepEqual([short(told), short(drained)], [affected, affected])
  assert.deepEqual(
    [told, drained].map(view => view.affected.map(one => one.stopped)),
    [
      [false, false],
      [true, true],
    ],
  )
  assert.match(
    listed.running[0]?.quarantined ?? '',
    /was made of features@v1, which is quarantined/,
  )
  assert.deepEqual(after.running, [])
  assert.equal((await server.job(job!.jobId)).job.state, 'JOB_KILLED')
})

test('data that are fetched later are looked at when they are there', async t => {
  const server = await opened(t)
  const { data, source } = await trained(server)
  await quarantine(server, data.name)
  const manifest = '{"url": "https://example.com/a.csv", "path": "a.csv"}\n'
  const { job } = await server.train({ source: source.id, manifest, manifestName: 'fetched' })

  await server.ingest()

  const { job: ended } = await server.job(job!.jobId)
  assert.equal(ended.state, 'JOB_FAILURE')
  assert.match(ended.reason ?? '', /is the same as features@v1, which is quarantined/)
})

test('the list names each once; what was only made of it is not in it', async t => {
  const server = await opened(t)
  const { data, model } = await trained(server)
  const unknown = `sha256:${'ab'.repeat(32)}`
  await quarantine(server, data.name)
  await quarantine(server, unknown)

  const { quarantined } = await server.ask<QuarantineList>('GET', BASE)
  const derived = await lift(server, model.modelId)
  const twice = await server.call('POST', BASE, { id: data.name, ...REASON })
  const nobody = await server.call('POST', BASE, { id: 'nothing', ...REASON })
  const job = await server.call('POST', BASE, { id: '@latest', reason: ' ' })

  assert.deepEqual(
    quarantined.map(one => [one.name, one.kind, one.digests, one.author, one.reason]),
    [
      [unknown, null, [unknown], 'tester', REASON.reason],
      ['features@v1', 'data', [data.tree], 'tester', REASON.reason],
    ],
  )
  assert.match(
    derived.json().detail,
    /was not put into quarantine itself: .* was made of features@v1/,
  )
  assert.deepEqual(refused(twice), QUARANTINED)
  assert.deepEqual(refused(nobody), [404, 'NOT_FOUND'])
  assert.equal(job.statusCode, 400)
})

test('a digest that nobody has yet is refused when it comes', async t => {
  const server = await opened(t)
  const files = { 'bad.bin': 'bad' }
  const { tree } = await server.bundle('data', 'probe', files)
  await server.workspace('other')
  await server.ask('POST', '/workspaces/other/quarantine', { id: tree, ...REASON })

  const answer = await pushed(server, 'model', 'bought', files, { tags: ['good'] })

  assert.deepEqual(refused(answer), QUARANTINED)
})

test('viewers see the list, contributors put in, maintainers take out', async t => {
  const server = await openScripted(t, { settings: { local: false } })
  const as = async (role: 'viewer' | 'contributor' | 'maintainer') => {
    const authorization = `Bearer ${await server.test.tokenOf(role)}`
    return (method: 'GET' | 'POST', url: string, body?: unknown) =>
      server.call(method, url, body, { authorization })
  }
  const viewer = await as('viewer')
  const contributor = await as('contributor')
  const maintainer = await as('maintainer')
  await maintainer('POST', '/workspaces', { name: 'mnist' })
  const body = { id: `sha256:${'cd'.repeat(32)}`, ...REASON }

  const codes = [
    (await viewer('POST', BASE, body)).statusCode,
    (await contributor('POST', BASE, body)).statusCode,
    (await viewer('GET', BASE)).statusCode,
    (await contributor('POST', `${BASE}/lift`, body)).statusCode,
    (await maintainer('POST', `${BASE}/lift`, body)).statusCode,
  ]

  assert.deepEqual(codes, [403, 201, 200, 403, 200])
})
