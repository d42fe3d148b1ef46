import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { cli, folder, startServer } from './kaos.ts'

/** A program of a few lines, which learns how many lines its data have. */
const TRAIN = `#!/bin/sh
mkdir -p "$1/model" "$1/metrics"
data="\${KAOS_DATA:-/pfs/data}"
cat $(find "$data" -name '*.csv') | wc -l | tr -d ' \\n' > "$1/model/count"
printf '{"lines": %s}' "$(cat "$1/model/count")" > "$1/metrics/metrics.json"
`
const SERVE = `#!/usr/bin/env python3
from http.server import BaseHTTPRequestHandler, HTTPServer
from os import environ, path
class Count(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(open(path.join(path.dirname(path.abspath(__file__)), 'count'), 'rb').read())
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
HTTPServer(('127.0.0.1', int(environ.get('PORT', '8080'))), Count).serve_forever()
`

function program(work: string, name: string, text: string): string {
  const model = join(work, `${name}-source`, 'count', 'model')
  mkdirSync(model, { recursive: true })
  writeFileSync(join(model, name), text)
  chmodSync(join(model, name), 0o755)
  return `${name}-source`
}

async function open(t: TestContext) {
  const server = await startServer(folder(t))
  t.after(() => server.stop())
  const work = folder(t)
  const home = folder(t)
  const env = { XDG_STATE_HOME: join(home, 'state'), XDG_CACHE_HOME: join(home, 'cache') }
  const kaos = cli(work, env)
  const ok = async (...words: string[]) => {
    const done = await kaos(...words)
    assert.equal(done.code, 0, `${words.join(' ')}: ${done.stdout}${done.stderr}`)
    return done.stdout
  }
  const json = async (...words: string[]) => JSON.parse(await ok(...words, '--json'))
  await ok('init', '-e', server.url)
  await ok('workspace', 'create', '-n', 'mnist')
  return { work, kaos, ok, json }
}

test('data are pushed, compared, fetched, branched, tagged and removed', async t => {
  const { work, kaos, ok, json } = await open(t)
  const data = join(work, 'features')
  mkdirSync(join(data, 'training'), { recursive: true })
  writeFileSync(join(data, 'README.md'), '# Digits\n')
  writeFileSync(join(data, 'training', 'a.csv'), '1\n2\n')
  writeFileSync(join(data, 'test.csv'), 'x'.repeat(40_000))

  await ok('data', 'push', 'features', '-t', 'raw', '-m', 'first')
  const unchanged = await json('data', 'push', 'features')
  appendFileSync(join(data, 'training', 'a.csv'), '3\n')
  await ok('data', 'push', 'features', '-t', 'clean')
  const diff = await ok('data', 'diff', 'features:raw', 'features')
  await ok('data', 'get', 'features:raw', 'old')
  writeFileSync(join(work, 'old', 'new.csv'), '4\n')
  const branch = await json('data', 'push', 'old', '-n', 'features')
  const taken = await kaos('data', 'get', 'features', 'old')
  await ok('data', 'get', 'features@v2', 'part', '--path', 'training/**')
  const inspected = await ok('data', 'inspect', 'features:raw')
  const used = await kaos('data', 'remove', 'features:raw', '--yes')
  await ok('data', 'untag', 'features:raw')
  await ok('data', 'remove', 'features@v1', '--yes')
  const { versions } = await json('data', 'log', 'features')

  assert.equal(unchanged.unchanged, true)
  assert.match(diff, /^~ training\/a\.csv \(4 B, now 6 B\)\n/)
  assert.deepEqual(
    [branch.version.reference, branch.version.origin.from[0].reference],
    ['features@v3', 'features@v1'],
  )
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /the folder old is there and not empty/)
  assert.deepEqual(readdirSync(join(work, 'part')), ['training'])
  assert.equal(readFileSync(join(work, 'part', 'training', 'a.csv'), 'utf8'), '1\n2\n3\n')
  assert.match(inspected, /\nDigits\n======\n/)
  assert.match(inspected, /Address: 127\.0\.0\.1:\d+\/mnist\/features:raw\n/)
  assert.equal(used.code, 1)
  assert.match(used.stderr, /features@v1 is in use: the tags raw/)
  assert.deepEqual(
    versions.map((one: { version: number; tags: string[] }) => [one.version, one.tags]),
    [
      [3, []],
      [2, ['clean']],
    ],
  )
})

test('a training takes data by reference, and its model goes by tags from there on', async t => {
  const { work, kaos, ok, json } = await open(t)
  const data = join(work, 'data', 'lines')
  mkdirSync(data, { recursive: true })
  writeFileSync(join(data, 'a.csv'), '1\n2\n')
  const source = program(work, 'train', TRAIN)

  await ok('train', 'deploy', '-s', source, '-d', 'data', '--wait')
  const [first] = (await json('data', 'list')).repositories
  writeFileSync(join(data, 'b.csv'), '3\n')
  await ok('data', 'push', 'data/lines', '-t', 'more')
  const second = await ok('train', 'deploy', '-d', 'lines:more', '--wait')
  const same = await json('train', 'deploy', '-d', 'lines@v1')
  const { models } = await json('model', 'list')
  const [newest, oldest] = models.map((one: { modelId: string }) => one.modelId)
  await ok('model', 'tag', newest, 'counter:challenger', 'counter:best')
  const moved = await ok('model', 'tag', oldest, 'counter:best')
  const named = await json('model', 'list')
  const diff = await json('model', 'diff', 'counter:best', 'counter:challenger')
  await ok('model', 'get', 'counter:challenger', '--filter', 'data', '--filter', 'code')
  const shown = await ok('model', 'inspect', 'counter:challenger')
  await ok('train', 'provenance', '-m', 'counter:challenger')

  assert.deepEqual([first.name, first.newest], ['lines', 1])
  assert.match(second, /Setting data bundle: \/lines:[0-9a-f]{5} \(lines@v2\)/)
  assert.equal(same.unchanged, true)
  assert.match(moved, /✔ counter@v2\n ✔ counter:best is counter@v2/)
  assert.deepEqual([named.models, named.repositories[0].newest], [[], 2])
  assert.deepEqual(
    diff.changes.map((one: { path: string }) => one.path),
    ['metrics/metrics.json', 'model/count'],
  )
  assert.equal(readFileSync(join(work, 'counter', 'data', 'b.csv'), 'utf8'), '3\n')
  assert.ok(existsSync(join(work, 'counter', 'code', 'model', 'train')))
  assert.match(
    shown,
    /trained by job [0-9a-f]{8} from count:[0-9a-f]{5} \(code\), lines@v2 \(data\)/,
  )
  assert.match(shown, /Metrics: lines=3\n/)
  const missing = await kaos('train', 'deploy', '-d', 'lines@v9')
  assert.equal(missing.code, 3)
})

test('a model that was pushed is served, by its tag or as a folder, and drawn', async t => {
  const { work, ok, json } = await open(t)
  const source = program(work, 'serve', SERVE)
  mkdirSync(join(work, 'weights'))
  writeFileSync(join(work, 'weights', 'count'), '42')
  cpSync(join(work, 'weights'), join(work, 'other'), { recursive: true })
  writeFileSync(join(work, 'other', 'count'), '43')
  const answerOf = async (deployed: { endpoint: { url: string } }) => {
    const answer = await fetch(`http://${deployed.endpoint.url}`, { method: 'POST', body: 'x' })
    return answer.text()
  }

  await ok('model', 'push', 'weights', '-n', 'counter', '-t', 'champion')
  const tagged = await json('serve', 'deploy', '-s', source, '-m', 'counter:champion', '--wait')
  const pushed = await json('serve', 'deploy', '-s', source, '-m', './other', '--wait')

  assert.deepEqual([await answerOf(tagged), await answerOf(pushed)], ['42', '43'])
  const drawn = await ok('train', 'provenance', '-m', 'counter', '--format', 'dot')
  assert.match(
    readFileSync(join(work, drawn.trim().split('\n').at(-1) ?? ''), 'utf8'),
    /push-mnist/,
  )
  await ok('serve', 'provenance', '-e', tagged.endpoint.name)
  const { models } = await json('model', 'list')
  assert.deepEqual(models, [])
})
