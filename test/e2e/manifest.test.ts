import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { cli, folder, root, startServer } from './kaos.ts'

const DATA = join(root, 'templates', 'mnist', 'data', 'features')

/** A site with the data of the template, and with nothing else. */
async function site(t: TestContext): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const path = globSync('**/*.csv', { cwd: DATA }).find(one => url === `/${one}`)
    if (path === undefined) response.writeHead(404).end('an error page')
    else response.end(readFileSync(join(DATA, path)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function manifestOf(url: string): string {
  const lines = globSync('**/*.csv', { cwd: DATA }).map(path => {
    const sha256 = createHash('sha256')
      .update(readFileSync(join(DATA, path)))
      .digest('hex')
    return JSON.stringify({ url: `${url}/${path}`, path, sha256 })
  })
  return `${lines.join('\n')}\n`
}

test('a manifest is fetched, trained on and remembered; the same files are the same data', async t => {
  const url = await site(t)
  const server = await startServer(folder(t), { env: { KAOS_INGEST_ALLOW: '127.0.0.1' } })
  t.after(() => server.stop())
  const work = folder(t)
  const kaos = cli(work)
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'mnist')
  const templates = join(root, 'templates', 'mnist')
  writeFileSync(join(work, 'features.jsonl'), manifestOf(url))
  const source = ['-s', join(templates, 'model-train')]

  const done = await kaos('train', 'deploy', ...source, '-m', 'features.jsonl', '--wait')
  const again = await kaos('train', 'deploy', '-m', 'features.jsonl', '--wait')
  const bundle = await kaos('train', 'deploy', '-d', join(templates, 'data'), '--json')
  const got = await kaos('train', 'get', '-j', '@latest', '-d')
  const drawn = await kaos('train', 'provenance', '-m', '@latest')

  assert.equal(done.code, 0, done.stdout + done.stderr)
  const hash = createHash('sha256').update(manifestOf(url)).digest('hex').slice(0, 5)
  assert.ok(done.stdout.includes(` ✔ Setting data manifest bundle: /manifest:${hash}\n`))
  assert.match(done.stdout, /Trained model_id: [0-9a-f]{5}_[0-9a-f]{5}:[0-9a-f]{6}/)
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stdout + again.stderr, /was fetched before; fetch it anew with --again/)
  assert.equal(JSON.parse(bundle.stdout).unchanged, true, bundle.stderr)
  assert.equal(got.code, 0, got.stderr)
  assert.equal(drawn.code, 0, drawn.stderr)
  const files = globSync('mnist/*/data/features:*/**/*.csv', { cwd: work })
  assert.equal(files.length, 3)
})

test('a manifest with an error page fails the job, and one of the inner network is not fetched', async t => {
  const url = await site(t)
  const server = await startServer(folder(t), { env: { KAOS_INGEST_ALLOW: '127.0.0.1' } })
  t.after(() => server.stop())
  const work = folder(t)
  const kaos = cli(work)
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'mnist')
  writeFileSync(join(work, 'gone.jsonl'), `{"url": "${url}/gone.csv", "path": "a.csv"}`)
  writeFileSync(join(work, 'inner.jsonl'), '{"url": "http://169.254.169.254/", "path": "a"}')

  const gone = await kaos('train', 'deploy', '-m', 'gone.jsonl', '--wait')
  const inner = await kaos('train', 'deploy', '-m', 'inner.jsonl', '--wait')
  const list = await kaos('train', 'list')

  assert.equal(gone.code, 5, gone.stderr)
  assert.ok(gone.stderr.includes(`${url}/gone.csv`), gone.stderr)
  assert.match(gone.stderr, /answers with 404 where 200 is needed/)
  assert.equal(inner.code, 5, inner.stderr)
  assert.match(inner.stderr, /169\.254\.169\.254 is not a public address/)
  assert.equal(list.stdout.match(/JOB_FAILURE/g)?.length, 2)
  const id = /[0-9a-f]{32}/.exec(list.stdout)?.[0] ?? ''
  assert.match((await kaos('train', 'logs', '-j', id)).stdout, /is not a public address/)
  assert.match((await kaos('train', 'info', '-j', id)).stdout, /Files: 0 of 1, failed 1, skipped 0/)
  assert.equal((await kaos('train', 'kill', '-j', id)).code, 1)
})
