import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { RunEvent } from '../../../graph/exports/open-lineage.ts'
import { loadSettings } from '../../../server/config.ts'
import { openEventPush } from '../../../server/provenance/event-push.ts'
import { openScripted, type Scripted, SOURCE } from '../jobs/scripted.ts'
import { atEnd, tempFolder } from '../open.ts'
import { trained } from './trained.ts'

const EXPORT = '/workspaces/mnist/provenance/export'

async function opened(t: TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

interface Heard {
  readonly event: RunEvent
  readonly path: string | undefined
  readonly key: string | undefined
}

/** A lineage server that answers with these statuses, then with 201. */
async function listener(t: TestContext, statuses: number[] = []) {
  const heard: Heard[] = []
  const waiting: (() => void)[] = []
  const listening = createServer(async (request, response) => {
    const event = JSON.parse(await textOf(request)) as RunEvent
    const status = statuses.shift() ?? 201
    if (status < 300) heard.push({ event, path: request.url, key: request.headers.authorization })
    response.writeHead(status).end('{}')
    for (const tell of waiting.splice(0)) tell()
  })
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => listening.close())
  return {
    heard,
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    async until(enough: () => boolean): Promise<void> {
      while (!enough()) await new Promise<void>(resolve => waiting.push(resolve))
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const some of request) text += String(some)
  return text
}

function push(t: TestContext, server: Scripted, url: string, apiKey?: string) {
  const pushing = openEventPush({ ...server.test.parts, target: { url, apiKey }, pollMs: 5 })
  atEnd(t, () => pushing.close())
  return pushing
}

/** The place is kept once it knows where the log ended. */
async function begun(server: Scripted): Promise<void> {
  while ((await server.test.parts.ledger.records('openlineage/sent')).length === 0) {
    await new Promise(resolve => setImmediate(resolve))
  }
}

test('each job that ends is told to the lineage server, with what it read and wrote', async t => {
  const server = await opened(t)
  const other = await listener(t)
  push(t, server, other.url, 'secret')
  await begun(server)

  const { job, model } = await trained(server)
  await other.until(() => other.heard.length === 3)

  const [build, trial, train] = other.heard.map(one => one.event)
  assert.deepEqual(
    [build, trial, train].map(one => [one?.job.name.split('/')[0], one?.eventType]),
    [
      ['build', 'COMPLETE'],
      ['trial', 'COMPLETE'],
      ['train', 'COMPLETE'],
    ],
  )
  assert.equal(train?.run.runId.replaceAll('-', ''), job)
  const outputs = (event: RunEvent | undefined) => event?.outputs.map(one => one.name)
  assert.ok(outputs(trial)?.includes(`model/${model.modelId}`))
  assert.deepEqual(outputs(train), [`model/${model.modelId}`])
  const parent = trial?.run.facets.parent as { run: { runId: string } }
  assert.equal(parent.run.runId, train?.run.runId)
  assert.deepEqual(
    [...new Set(other.heard.map(one => `${one.path} ${one.key}`))],
    ['/api/v1/lineage Bearer secret'],
  )
})

test('what the lineage server does not take now is sent again, in order, also after a restart', async t => {
  const server = await opened(t)
  const other = await listener(t, [503, 500, 401, 201, 503, 503])
  const first = push(t, server, other.url)
  await begun(server)
  await trained(server)
  await other.until(() => other.heard.length === 1)
  await first.close()
  // What was being answered when it closed may come twice: there it is the same run.
  const kinds = () => [...new Set(other.heard.map(one => one.event.job.name.split('/')[0]))]

  push(t, server, other.url)
  await other.until(() => kinds().length === 3)

  assert.deepEqual(kinds(), ['build', 'trial', 'train'])
})

test('an event that will never be taken is left out, and failures are told as failures', async t => {
  const server = await opened(t)
  const other = await listener(t, [422])
  push(t, server, other.url)
  await begun(server)
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const data = await server.bundle('data', 'features', { 'a.csv': '1' })
  await server.train({ source: source.id, data: data.id })
  await server.build()
  const order = await server.claimed(['trial'])

  await server.report(order, { state: 'failed', exit: 1, reason: 'it broke' })
  await other.until(() => other.heard.length === 2)

  assert.deepEqual(
    other.heard.map(({ event }) => [event.job.name.split('/')[0], event.eventType]),
    [
      ['trial', 'FAIL'],
      ['train', 'FAIL'],
    ],
  )
})

test('the events of a workspace are a file, one to a line; what runs is not in it', async t => {
  const server = await opened(t)
  const { source, data } = await trained(server)
  await server.train({ source: source.id, data: data.id, again: true })
  await server.workspace('other')
  await server.bundle('data', 'others', { 'o.csv': 'o' }, 'other')

  const answer = await server.call('GET', `${EXPORT}?format=openlineage`)

  const events = answer.body
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as RunEvent)
  const names = events.map(one => one.job.name.split('/')[0]).sort()
  assert.equal(answer.headers['content-type'], 'application/x-ndjson')
  assert.deepEqual(names, ['build', 'import', 'import', 'train', 'trial'])
  assert.ok(events.every(one => one.job.namespace.endsWith('/mnist')))
})

test('the whole graph of a workspace is one PROV-JSON document, agents included', async t => {
  const server = await opened(t)
  const { model, job } = await trained(server)
  await server.workspace('other')
  const foreign = await server.bundle('data', 'others', { 'o.csv': 'o' }, 'other')

  const document = (await server.call('GET', `${EXPORT}?format=prov`)).json()

  assert.ok(`kaos:${model.entity}` in document.entity)
  assert.ok(`kaos:${job}` in document.activity)
  assert.ok(!(`kaos:${foreign.id}` in document.entity))
  assert.ok(Object.keys(document.agent).length >= 2)
  const ends = Object.values(document.wasAssociatedWith as Record<string, Record<string, string>>)
  assert.ok(ends.every(one => one['prov:agent']! in document.agent))
})

test('closing while nobody answers ends at once', async t => {
  const server = await opened(t)
  const silent = createServer(() => {})
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    silent.closeAllConnections()
    silent.close()
  })
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const pushing = push(t, server, url)
  await begun(server)
  const asked = once(silent, 'request')
  await trained(server)
  await asked

  await pushing.close()

  const [place] = await server.test.parts.ledger.records('openlineage/sent')
  assert.ok(Number(place?.value) < (await server.test.parts.ledger.head()).size)
})

test('the lineage server is a setting, with its key from a variable or a file', async t => {
  const folder = await tempFolder(t)
  const file = join(folder, 'key')
  writeFileSync(file, 'from-a-file\n')
  const at = { KAOS_RUNNER: 'process', KAOS_DATA: folder }
  const url = 'https://marquez.example.com'

  const none = await loadSettings([], at)
  const open = await loadSettings([], { ...at, KAOS_OPENLINEAGE_URL: `${url}/` })
  const kept = await loadSettings([], {
    ...at,
    KAOS_OPENLINEAGE_URL: url,
    KAOS_OPENLINEAGE_API_KEY_FILE: file,
  })

  assert.equal(none.openLineage, undefined)
  assert.deepEqual(open.openLineage, { url, apiKey: undefined })
  assert.deepEqual(kept.openLineage, { url, apiKey: 'from-a-file' })
  await assert.rejects(loadSettings([], { ...at, KAOS_OPENLINEAGE_API_KEY: 'x' }), {
    code: 'CONFIGURATION',
  })
})
