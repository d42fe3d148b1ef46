import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import type { IngestWork } from '../../../api/attempts.ts'
import type { Digest } from '../../../api/digest.ts'
import { type Scene, workerScene } from './scene.ts'
import type { Played } from './scripted-server.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, call: number) => void

interface Site {
  readonly url: string
  /** Paths that were asked for. */
  readonly asked: string[]
  connections: number
}

/** A site on this machine whose answers the test decides. */
async function site(t: TestContext, answer: Answer, host = '127.0.0.1'): Promise<Site> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response, asked.length)
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const found = { url: `http://${host}:${port}`, asked, connections: 0 }
  server.on('connection', () => found.connections++)
  return found
}

const LIMITS: IngestWork['limits'] = {
  fileBytes: 1_000_000,
  totalBytes: 10_000_000,
  fileMs: 60_000,
  totalMs: 60_000,
  silenceMs: 60_000,
}

async function offer(
  { server, put }: Scene,
  lines: object[],
  more: { allow?: string[]; limits?: Partial<IngestWork['limits']> } = {},
): Promise<Played> {
  const text = lines.map(line => JSON.stringify(line)).join('\n')
  const manifest = await put({ 'manifest.jsonl': text })
  const { allow = ['127.0.0.1'], limits } = more
  return server.offer({
    ...{ kind: 'ingest', manifest, total: lines.length, allow },
    limits: { ...LIMITS, ...limits },
  })
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

test('all files of a manifest are fetched, checked and stored under their paths', async t => {
  const scene = await workerScene(t)
  let played: Played | undefined
  const told = () => played?.renewals.some(({ progress }) => progress?.total === 20) ?? false
  const { url } = await site(t, async ({ url }, response) => {
    // How far it is shall be told while it goes on.
    if (url === '/19') await scene.server.until(told)
    response.end(`body of ${url}`)
  })
  const lines = Array.from({ length: 20 }, (_, at) => ({
    url: `${url}/${at}`,
    path: `part-${at % 3}/${at}.csv`,
    ...(at % 2 ? { sha256: sha256(`body of /${at}`), size: `body of /${at}`.length } : {}),
  }))

  played = await offer(scene, lines)
  const report = await scene.server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  const tree = report.output as Digest
  assert.equal(scene.server.text(tree, 'part-0/0.csv'), 'body of /0')
  assert.equal(scene.server.text(tree, 'part-1/19.csv'), 'body of /19')
  const listing = scene.server
    .file(report.fetched!.digest as Digest)
    .trim()
    .split('\n')
  assert.equal(listing.length, 20)
  assert.deepEqual(JSON.parse(listing[7] ?? ''), {
    ...{ url: `${url}/7`, path: 'part-1/7.csv' },
    ...{ sha256: sha256('body of /7'), size: 10 },
  })
  assert.deepEqual(report.progress, { done: 20, failed: 0, skipped: 0, total: 20 })
  assert.match(String(played.log), /fetched part-0\/0\.csv \(10 bytes\)/)
})

test('what may pass is asked for again, three times at most', async t => {
  const scene = await workerScene(t)
  const { url, asked } = await site(t, ({ url }, response) => {
    const call = asked.filter(one => one === url).length
    if (url === '/never') return response.writeHead(503).end()
    if (call === 1) return response.destroy()
    if (call === 2) return response.writeHead(429, { 'retry-after': '0' }).end('later')
    if (call === 3) {
      response.writeHead(200, { 'content-length': '100' }).write('cut')
      return setImmediate(() => response.destroy())
    }
    return response.end('at last')
  })

  const good = await offer(scene, [{ url: `${url}/a`, path: 'a' }])
  const report = await scene.server.reported(good)
  const bad = await offer(scene, [{ url: `${url}/never`, path: 'a' }])
  const failed = await scene.server.reported(bad)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.equal(scene.server.text(report.output as Digest, 'a'), 'at last')
  assert.equal(failed.state, 'failed')
  assert.ok(failed.reason?.includes(`${url}/never`), failed.reason)
  assert.match(failed.reason ?? '', /answers with 503, 4 times/)
  assert.equal(asked.filter(one => one === '/never').length, 4)
})

test('one file that fails fails the ingestion, names its URL and why, and keeps nothing', async t => {
  const scene = await workerScene(t)
  const body = 'x'.repeat(100)
  const { url } = await site(t, ({ url }, response) => {
    if (url === '/gone') return response.writeHead(404).end('an error page')
    if (url === '/empty') return response.writeHead(204).end()
    return response.end(body)
  })
  const cases: [object, RegExp, object?][] = [
    [{ url: `${url}/gone` }, /answers with 404 where 200 is needed/],
    [{ url: `${url}/empty` }, /answers with 204/],
    [{ url: `${url}/b`, sha256: sha256('other') }, /its SHA-256 is [0-9a-f]{64}, where/],
    [{ url: `${url}/b`, size: 99 }, /larger than the 99 bytes that the manifest says/],
    [{ url: `${url}/b`, size: 101 }, /it has 100 bytes, where the manifest says 101/],
    [{ url: `${url}/b` }, /larger than the 50 bytes that are allowed/, { fileBytes: 50 }],
    [{ url: `${url}/b` }, /all files together are larger than the 60/, { totalBytes: 60 }],
    [{ url: 'http://nowhere.invalid/' }, /no such host|connection fails/],
  ]
  for (const [line, reason, limits = {}] of cases) {
    const before = scene.server.objects.size
    const played = await offer(scene, [{ ...line, path: 'bad' }], { limits })

    const report = await scene.server.reported(played)

    assert.equal(report.state, 'failed')
    assert.match(report.reason ?? '', reason)
    assert.ok(report.reason?.startsWith((line as { url: string }).url), report.reason)
    assert.equal(report.output, undefined)
    assert.deepEqual(report.progress, { done: 0, failed: 1, skipped: 0, total: 1 })
    // The manifest that was offered (three objects), and the log (two).
    assert.ok(scene.server.objects.size - before <= 5)
  }
})

test('what drips or is silent is cut', async t => {
  const scene = await workerScene(t)
  const { url } = await site(t, ({ url }, response) => {
    if (url === '/silent') return
    const timer = setInterval(() => response.write('.'), 20)
    response.once('close', () => clearInterval(timer))
  })
  const drip = await offer(scene, [{ url: `${url}/drip`, path: 'a' }], { limits: { fileMs: 300 } })
  const late = await offer(scene, [{ url: `${url}/drip`, path: 'a' }], { limits: { totalMs: 300 } })
  const silent = await offer(scene, [{ url: `${url}/silent`, path: 'a' }], {
    limits: { silenceMs: 50 },
  })

  const reports = [drip, late, silent].map(played => scene.server.reported(played))
  const reasons = (await Promise.all(reports)).map(report => report.reason ?? '')

  assert.match(reasons[0] ?? '', /longer than 300 ms/)
  assert.match(reasons[1] ?? '', /only 0 of 1 files were fetched in 300 ms/)
  assert.match(reasons[2] ?? '', /nothing comes, 4 times/)
})

test('redirects are followed five times, and each is looked at', async t => {
  const scene = await workerScene(t)
  const inside = await site(t, (_, response) => response.end('secret'), '127.0.0.2')
  const port = new URL(inside.url).port
  const places: Record<string, string> = {
    '/moved': '/1',
    '/private': inside.url,
    '/decimal': `http://2130706434:${port}/`,
    '/octal': `http://0177.0.0.2:${port}/`,
    '/mapped': `http://[::ffff:127.0.0.2]:${port}/`,
    '/userinfo': `http://a:b@127.0.0.2:${port}/`,
    '/file': 'file:///etc/passwd',
    '/loop': '/loop',
  }
  const { url } = await site(t, (request, response) => {
    const asked = request.url ?? ''
    const step = Number(asked.slice(1))
    const location = step < 4 ? `/${step + 1}` : places[asked]
    if (location === undefined) return response.end('found')
    return response.writeHead(302, { location }).end()
  })

  const good = await offer(scene, [{ url: `${url}/moved`, path: 'a' }])
  const report = await scene.server.reported(good)
  const reasons: string[] = []
  for (const path of Object.keys(places).slice(1)) {
    const played = await offer(scene, [{ url: url + path, path: 'a' }])
    reasons.push((await scene.server.reported(played)).reason ?? '')
  }

  assert.equal(report.state, 'succeeded', report.reason)
  assert.equal(scene.server.text(report.output as Digest, 'a'), 'found')
  for (const reason of reasons.slice(0, 4)) assert.match(reason, /is not a public address/)
  assert.match(reasons[4] ?? '', /redirected to what has a url with a user name/)
  assert.match(reasons[5] ?? '', /only http:\/\/ and https:\/\/ are fetched/)
  assert.match(reasons[6] ?? '', /redirected more than 5 times/)
  assert.equal(inside.connections, 0)
})

test('nothing that is not allowed is connected to, by address or by name', async t => {
  const scene = await workerScene(t)
  const inside = await site(t, (_, response) => response.end('secret'))
  const port = new URL(inside.url).port
  const hosts = ['127.0.0.1', 'localhost', '127.1', '0x7f000001', '[::ffff:127.0.0.1]', '0']
  for (const host of hosts) {
    const lines = [{ url: `http://${host}:${port}/`, path: 'a' }]
    const played = await offer(scene, lines, { allow: [] })

    const report = await scene.server.reported(played)

    assert.equal(report.state, 'failed')
    assert.match(report.reason ?? '', /is not a public address; an administrator can allow/)
  }
  assert.equal(inside.connections, 0)
})

test('a kill ends the fetching at once, and nothing is kept', async t => {
  const scene = await workerScene(t)
  const { url, asked } = await site(t, (_, response) => void response.write('never ends'))
  const played = await offer(scene, [{ url: `${url}/a`, path: 'a' }])
  await scene.server.until(() => asked.length > 0)

  played.stop = true
  const report = await scene.server.reported(played)

  assert.equal(report.state, 'stopped')
  assert.equal(report.output, undefined)
})

test('an ingestion that another worker takes up begins anew and ends well', async t => {
  const scene = await workerScene(t)
  let open = false
  const { url, asked } = await site(t, ({ url }, response) => {
    if (url === '/quick' || open) response.end(`body of ${url}`)
    else response.write('half')
  })
  const played = await offer(scene, [
    { url: `${url}/quick`, path: 'quick' },
    { url: `${url}/slow`, path: 'slow' },
  ])
  await scene.server.until(() => asked.includes('/slow') && asked.includes('/quick'))
  await scene.end()
  open = true

  await scene.start()
  const report = await scene.server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.equal(scene.server.text(report.output as Digest, 'slow'), 'body of /slow')
})
