import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli, folder, startServer } from './kaos.ts'
import { writeBundle } from './parts/work.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const ABOVE = 'b7ad6b7169203331'

/** What OTLP's JSON says of a span: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface Sent {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly service: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Record<string, unknown>
  readonly status?: { code?: number }
}

interface Values {
  key: string
  value: Record<string, unknown>
}

interface Batch {
  resourceSpans: {
    resource: { attributes: Values[] }
    scopeSpans: { spans: (Omit<Sent, 'attributes' | 'service'> & { attributes: Values[] })[] }[]
  }[]
}

const plain = (values: Values[]) =>
  Object.fromEntries(values.map(({ key, value }) => [key, Object.values(value)[0]]))

function spansIn({ resourceSpans }: Batch): Sent[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(plain(resource.attributes)['service.name'])
    const all = scopeSpans.flatMap(({ spans }) => spans)
    return all.map(span => ({ ...span, service, attributes: plain(span.attributes) }))
  })
}

/** Somebody who gathers traces. */
async function openCollector(t: TestContext) {
  const types: string[] = []
  const spans: Sent[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    types.push(`${request.url} ${request.headers['content-type']}`)
    const isJson = request.headers['content-type'] === 'application/json'
    if (isJson) spans.push(...spansIn(JSON.parse(String(body)) as Batch))
    response.setHeader('content-type', request.headers['content-type']!).end(isJson ? '{}' : '')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { types, spans, url }
}

/** Spans are sent soon. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '100' }

test('a training is one trace, from the call of the command to the last commit', async t => {
  const collector = await openCollector(t)
  const env = {
    ...SOON,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  }
  const server = await startServer(folder(t), { env })
  t.after(() => server.stop())
  const work = folder(t)
  const train = '#!/bin/sh\nmkdir -p "$1"\necho m > "$1/m"\n'
  writeBundle(work, 1, 'FROM scratch\n', train)
  const traceparent = `00-${TRACE}-${ABOVE}-01`
  const kaos = cli(work, { TRACEPARENT: traceparent })
  for (const words of [
    ['init', '-e', server.url],
    ['workspace', 'create', '-n', 'prices'],
    ['train', 'deploy', '-s', 'code', '-d', 'data', '--wait'],
  ]) {
    const done = await kaos(...words)
    assert.equal(done.code, 0, done.stderr)
  }
  const named = (name: string) => collector.spans.filter(span => span.name === name)
  while (named('reporting').length < 2) await sleep(20)
  await server.stop()

  const [asked] = named('POST /api/v1/workspaces/:ws/train')
  assert.equal(asked?.traceId, TRACE)
  assert.equal(asked.parentSpanId, ABOVE)
  assert.equal(asked.service, 'kaos-server')
  assert.equal(asked.attributes['http.response.status_code'], 202)
  for (const kind of ['build', 'trial']) {
    const [attempt, more] = named(kind)
    assert.equal(more, undefined)
    assert.equal(attempt?.traceId, TRACE)
    assert.equal(attempt.parentSpanId, asked.spanId)
    assert.equal(attempt.service, 'kaos-worker')
    assert.equal(attempt.attributes['kaos.state'], 'succeeded')
    const below = collector.spans.filter(span => span.parentSpanId === attempt.spanId)
    const phases = below.filter(span => span.service === 'kaos-worker').map(({ name }) => name)
    assert.deepEqual(phases.sort(), ['collecting', 'preparing', 'reporting', 'running'])
    const [report] = below.filter(({ name }) => name.endsWith('/:attempt/report'))
    assert.ok(report, 'the report is a part of the attempt')
    const commits = collector.spans.filter(span => span.parentSpanId === report.spanId)
    assert.ok(commits.some(({ name }) => name === 'ledger commit'))
  }
  assert.ok(collector.spans.every(span => span.status?.code !== 2))
  assert.ok(collector.spans.every(one => one.endTimeUnixNano >= one.startTimeUnixNano))
})

test('spans go out as protobuf unless asked otherwise', async t => {
  const collector = await openCollector(t)
  const given = { ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  const server = await startServer(folder(t), { env: given })
  t.after(() => server.stop())

  await fetch(`${server.url}/api/v1/server`)
  while (collector.types.length === 0) await sleep(20)

  assert.equal(collector.types[0], '/v1/traces application/x-protobuf')
})

test('a collector that is away is told of in the log, and holds nothing up', async t => {
  const data = folder(t)
  const env = { ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }
  const server = await startServer(data, { env })
  t.after(() => server.stop())
  const lines = () => readFileSync(join(data, 'logs', 'server.log'), 'utf8').split('\n')

  while (!lines().some(line => line.includes('"traces: '))) {
    assert.equal((await fetch(`${server.url}/api/v1/server`)).status, 200)
    await sleep(50)
  }

  const [told] = lines().filter(line => line.includes('"traces: '))
  assert.match(told!, /"level":"warn".*ECONNREFUSED/)
})

test('a protocol that is not spoken is refused with what is', async t => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }

  await assert.rejects(
    startServer(folder(t), { env }),
    /OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; give http\/protobuf or http\/json/,
  )
})
