import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { openMetrics } from '../../../server/metrics/metrics.ts'
import { openScripted } from '../jobs/scripted.ts'
import { openTestApp } from '../open.ts'

const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'metrics.md')

/** The value of a series, as a scrape finds it. */
function valueIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find(one => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

test('the table of the documentation is what the server answers', async () => {
  const metrics = openMetrics()
  metrics.close()
  const told = (await metrics.collect()).map(({ name, type, labels }) => {
    const shown = type === 'counter' ? `${name}_total` : name
    return `${shown} ${type} ${labels.join(' ')}`.trim()
  })
  const rows = readFileSync(page, 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*?) \|/gm)
  const written = [...rows].map(([, name, type, labels]) => {
    return `${name} ${type} ${labels!.replaceAll(/[`,]/g, '')}`.trim()
  })

  assert.deepEqual(written.toSorted(), told.toSorted())
})

test('a scrape counts calls by route and status, never by what callers choose', async t => {
  const { app, listen } = await openTestApp(t)
  const url = await listen()
  for (const name of ['one', 'two', 'three']) await fetch(`${url}/api/v1/workspaces/${name}`)
  await fetch(`${url}/no/such/place`)

  const text = await (await fetch(`${url}/metrics`)).text()

  const route = 'method="GET",route="/api/v1/workspaces/:ws"'
  assert.equal(valueIn(text, `kaos_http_requests_total{${route},status="404"}`), 3)
  assert.equal(valueIn(text, `kaos_http_request_duration_seconds_count{${route}}`), 3)
  const nowhere = 'method="GET",route="none",status="404"'
  assert.equal(valueIn(text, `kaos_http_requests_total{${nowhere}}`), 1)
  assert.doesNotMatch(text, /three|such/)
  assert.equal(valueIn(text, 'kaos_http_requests_in_flight'), 1)
  assert.ok(valueIn(text, 'process_resident_memory_bytes')! > 1e6)
  assert.equal(
    (await app.inject('/metrics')).headers['content-type'],
    'text/plain; version=0.0.4; charset=utf-8',
  )
})

test('on a shared server /metrics wants a token of its own scope', async t => {
  const server = await openTestApp(t, { settings: { local: false } })
  const get = async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return (await server.app.inject({ url: '/metrics', headers })).statusCode
  }

  assert.equal(await get(), 401)
  assert.equal(await get(await server.tokenOf('contributor')), 403)
  const monitor = await server.tokenOf('monitor')
  assert.equal(await get(monitor), 200)
  const headers = { authorization: `Bearer ${monitor}` }
  assert.equal((await server.app.inject({ url: '/api/v1/workspaces', headers })).statusCode, 403)
})

test('what is ready, what runs and how attempts end is counted by kind', async t => {
  const server = await openScripted(t)
  const text = async () => (await server.test.app.inject('/metrics')).body
  await server.firstTraining()
  const before = await text()
  await server.build()
  const order = await server.claimed()
  const during = await text()
  await server.report(order, { state: 'failed', reason: 'exit 1' })

  const after = await text()

  assert.equal(valueIn(before, 'kaos_queue_ready{kind="build"}'), 1)
  assert.equal(valueIn(before, 'kaos_queue_waiting{kind="trial"}'), 1)
  assert.equal(valueIn(during, 'kaos_attempts_total{kind="build",outcome="succeeded"}'), 1)
  assert.equal(valueIn(during, 'kaos_queue_running{kind="trial"}'), 1)
  assert.equal(valueIn(during, 'kaos_workers'), 1)
  assert.equal(valueIn(after, 'kaos_attempts_total{kind="trial",outcome="failed"}'), 1)
  assert.equal(valueIn(after, 'kaos_queue_running{kind="trial"}'), 0)
})
