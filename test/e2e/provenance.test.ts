import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { cli, folder, startServer } from './kaos.ts'

/** Counts the lines of its data that are longer than a bound. */
const train = (bound: number) => `#!/bin/sh
set -e
data="\${KAOS_DATA:-/pfs/data}"
mkdir -p "$1/model" "$1/metrics"
long=$(cat $(find "$data" -name '*.csv') | awk 'length($0) > ${bound}' | wc -l)
printf '{"long": %s}' "$long" > "$1/model/model.json"
printf '{"long": %s}' "$long" > "$1/metrics/metrics.json"
`
const SERVE = `#!/usr/bin/env python3
from http.server import BaseHTTPRequestHandler, HTTPServer
from os import environ
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
HTTPServer(('127.0.0.1', int(environ.get('PORT', '8080'))), Answer).serve_forever()
`

function write(work: string, path: string, text: string): void {
  const file = join(work, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  if (text.startsWith('#!')) chmodSync(file, 0o755)
}

/** Takes lineage events. */
async function lineageServer(t: TestContext): Promise<{ url: string; kinds: string[] }> {
  const kinds: string[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const some of request) text += String(some)
    kinds.push(JSON.parse(text).job.name.split('/')[0])
    response.writeHead(201).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, kinds }
}

test('what everything came from is asked, and what is wrong is kept from being used', async t => {
  const lineage = await lineageServer(t)
  const env = { KAOS_OPENLINEAGE_URL: lineage.url }
  const server = await startServer(folder(t), { env })
  t.after(() => server.stop())
  const work = folder(t)
  const kaos = cli(work, { XDG_STATE_HOME: folder(t), XDG_CACHE_HOME: folder(t) })
  const ok = async (...words: string[]) => {
    const done = await kaos(...words)
    assert.equal(done.code, 0, `${words.join(' ')}: ${done.stdout}${done.stderr}`)
    return done.stdout
  }
  const json = async (...words: string[]) => JSON.parse(await ok(...words, '--json'))
  const trained = async (): Promise<string> => {
    const { models } = await json('train', 'deploy', '-s', 'code', '-d', 'data', '--wait')
    return models[0].modelId
  }
  await ok('init', '-e', server.url)
  await ok('workspace', 'create', '-n', 'lines')
  write(work, 'code/long/Dockerfile', 'FROM scratch\n')
  write(work, 'code/long/model/train', train(2))
  write(work, 'service/long/Dockerfile', 'FROM scratch\n')
  write(work, 'service/long/model/serve', SERVE)
  write(work, 'data/lines/april.csv', 'a\nbbbb\n')
  const first = await trained()
  const then = new Date().toISOString()
  write(work, 'code/long/model/train', train(3))
  write(work, 'data/lines/may.csv', 'cccc\ndddd\n')
  const second = await trained()

  const tree = await ok('provenance', 'show', second)
  assert.match(tree, new RegExp(`^model ${second} long=3 \\(`))
  assert.match(tree, /\u2514\u2500 data lines@v2 \(|\u251c\u2500 data lines@v2 \(/)
  assert.match(tree, /see above/)
  const before = await json('provenance', 'show', 'long', '--down', '--as-of', then)
  assert.ok(!before.nodes.some((node: { name: string }) => node.name === second))
  const drawn = join(work, 'lines.pdf')
  await ok('provenance', 'show', 'lines@v2', '--down', '--format', 'pdf', '-o', drawn)
  assert.equal(readFileSync(drawn).subarray(0, 5).toString(), '%PDF-')
  assert.match(await ok('provenance', 'show', second, '--format', 'dot'), /^digraph \{/)

  const why = await ok('provenance', 'why', first, second)
  assert.match(
    why,
    /They differ in:\n {2}code: \S+ \u2192 \S+\n {2}data: lines@v1 \u2192 lines@v2\n/,
  )
  assert.match(why, /^-long=.*> 2.*\n\+long=.*> 3/m)
  assert.match(why, /\+ may\.csv \(10 B\)/)
  assert.match(why, /long: 1 \u2192 3 \(\+2\)/)

  const found = await json('provenance', 'search', '--kind', 'model', '--metric', 'long>1')
  assert.deepEqual(
    found.results.map((one: { name: string }) => one.name),
    [second],
  )
  const history = await ok('train', 'tree', '--metric', 'long')
  assert.match(history, /best 1\n\u2514\u2504 [0-9a-f]{32} .*best 3\n.*code long:\S+ \u2192 long/)

  await ok('model', 'tag', second, 'best:champion')
  const served = await json('serve', 'deploy', '-s', 'service', '-m', second, '--wait')
  const impact = await ok('provenance', 'impact', 'lines@v2')
  for (const name of [served.endpoint.name, 'best:champion']) assert.ok(impact.includes(name), name)

  const put = await kaos('quarantine', 'lines@v2', '--reason', 'May is wrong')
  assert.match(put.stderr, new RegExp(`endpoint ${served.endpoint.name} .* goes on with it`))
  assert.match(await ok('quarantine', 'list'), /lines@v2 .* May is wrong/)
  const refused = [
    await kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--again'),
    await kaos('serve', 'deploy', '-s', 'service', '-m', second),
    await kaos('model', 'tag', second, 'best:challenger'),
  ]
  for (const { code, stderr } of refused) {
    assert.equal(code, 1)
    assert.match(stderr, /quarantined by \S+ since .*: May is wrong; see: kaos quarantine list/)
  }
  assert.match((await kaos('serve', 'list')).stderr, /was made of lines@v2, which is quarantined/)
  const drained = await ok('quarantine', 'lines@v2', '--reason', 'stop it', '--drain')
  assert.match(drained, new RegExp(`endpoint ${served.endpoint.name} .* was stopped`))
  await ok('quarantine', 'lift', 'lines@v2', '--reason', 'it was right')
  await ok('model', 'tag', second, 'best:challenger')

  await ok('provenance', 'export', '--format', 'openlineage', '-o', 'events.jsonl')
  const events = readFileSync(join(work, 'events.jsonl'), 'utf8').trimEnd().split('\n')
  assert.ok(events.map(line => JSON.parse(line)).some(event => event.job.name === 'train'))
  await ok('provenance', 'export', '--format', 'prov', '-o', 'graph.json')
  const graph = JSON.parse(readFileSync(join(work, 'graph.json'), 'utf8'))
  assert.ok(Object.keys(graph.entity).length > 5)
  while (lineage.kinds.filter(kind => kind === 'train').length < 2) {
    await new Promise(resolve => setImmediate(resolve))
  }
})
