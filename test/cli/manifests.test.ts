import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readManifest } from '../../cli/manifests.ts'
import { connected, kaosIn, LOCAL, play, sendJson, temporary } from './played-server.ts'

const LINE = '{"url": "https://example.com/a.csv", "path": "a.csv"}\n'

function file(t: TestContext, name: string, content: string | Uint8Array): string {
  const path = join(temporary(t), name)
  writeFileSync(path, content)
  return path
}

const ROW = {
  jobId: '1ed80bcad9a6465db67652255f904377',
  kind: 'ingest',
  state: 'JOB_FAILURE',
  started: '2026-01-01T00:00:00.000Z',
  finished: '2026-01-01T00:00:02.000Z',
  duration: 2,
  hyperopt: null,
  author: 'me',
  reason: 'https://example.com/a.csv cannot be fetched',
  progress: { done: 0, failed: 1, skipped: 2, total: 3 },
}
const ACCEPTED = {
  inputs: {
    image: { state: 'missing' },
    data: { state: 'building', value: '/manifest:c6062' },
    hyperparams: { state: 'missing' },
    parallelism: 1,
    resources: {},
  },
  grid: null,
  build: null,
  manifest: { name: 'manifest:c6062', files: 1, unchanged: false },
  ingest: { ...ROW, state: 'JOB_STARTING' },
  job: null,
  unchanged: false,
  warnings: [],
}

describe('a manifest on this side', () => {
  it('gives the data the name of its file, or of a manifest when that is no name', t => {
    assert.equal(readManifest(file(t, 'features.jsonl', LINE)).folder, 'features')
    assert.equal(readManifest(file(t, 'my data.jsonl', LINE)).folder, 'manifest')
    assert.equal(readManifest(file(t, '.hidden', LINE)).folder, 'manifest')
  })

  it('must be UTF-8', t => {
    const path = file(t, 'm.jsonl', Buffer.from([0x7b, 0xff, 0x7d]))

    assert.throws(() => readManifest(path), { code: 'INVALID_MANIFEST', message: /UTF-8/ })
  })
})

describe('kaos train deploy -m', () => {
  it('refuses a bad line before anything is sent, and a bundle beside it', async t => {
    const { url, seen } = await play(t, (_, response) => sendJson(response, LOCAL))
    const folder = connected(t, url)
    writeFileSync(join(folder, 'm.jsonl'), `${LINE}{"path": "b"}`)
    const kaos = kaosIn(folder)

    const [bad, both, none] = await Promise.all([
      kaos('train', 'deploy', '-m', 'm.jsonl'),
      kaos('train', 'deploy', '-m', 'm.jsonl', '-d', '.'),
      kaos('train', 'deploy', '-m', 'missing.jsonl'),
    ])

    assert.equal(bad.code, 1)
    assert.match(bad.stderr, /^Error - line 2 of the manifest has no "url"/)
    assert.equal(both.code, 2)
    assert.match(both.stderr, /data_bundle/)
    assert.equal(none.code, 2)
    assert.equal(seen.length, 0)
  })

  it('measures it without a server', async t => {
    const folder = temporary(t)
    writeFileSync(join(folder, 'm.jsonl'), LINE)

    const done = await kaosIn(folder)('train', 'deploy', '-m', 'm.jsonl', '--dry_run')

    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, / ✔ data manifest bundle: \/manifest:[0-9a-f]{5} \(1 file\)/)
  })

  it('sends the text with the name, and prints what the original printed', async t => {
    const { url, seen } = await play(t, ({ url }, response) => {
      if (url.endsWith('/server')) return sendJson(response, LOCAL)
      if (url.endsWith('/train')) return sendJson(response, ACCEPTED, 202)
      return sendJson(response, { workspaces: [{ name: 'mnist' }], name: 'mnist' })
    })
    const folder = connected(t, url)
    writeFileSync(join(folder, 'features.jsonl'), LINE)

    const done = await kaosIn(folder)('train', 'deploy', '-m', 'features.jsonl')

    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, /\nSubmitting data manifest bundle: features\.jsonl\n/)
    assert.match(done.stdout, / ✔ Setting data manifest bundle: \/manifest:c6062\n/)
    assert.match(done.stdout, /<ingesting>/)
    const sent = seen.find(one => one.method === 'POST' && one.url.endsWith('/train'))
    const { manifest, manifestName } = JSON.parse(String(sent?.body))
    assert.deepEqual({ manifest, manifestName }, { manifest: LINE, manifestName: 'features' })
  })

  it('sends a large one as a file', async t => {
    const { url, seen } = await play(t, ({ url, body }, response) => {
      if (url.endsWith('/server')) return sendJson(response, LOCAL)
      if (url.endsWith('/uploads')) return sendJson(response, { upload: 'u1', expiresAt: '' }, 201)
      if (url.endsWith('/have')) return response.end(Buffer.alloc(body.length / 32))
      if (url.endsWith('/objects')) return sendJson(response, { objects: 1 })
      if (url.endsWith('/train')) return sendJson(response, ACCEPTED, 202)
      return sendJson(response, { workspaces: [{ name: 'mnist' }], name: 'mnist' })
    })
    const folder = connected(t, url)
    const line = (at: number) => JSON.stringify({ url: `https://example.com/${at}`, path: `${at}` })
    writeFileSync(
      join(folder, 'm.jsonl'),
      Array.from({ length: 20_000 }, (_, at) => line(at)).join('\n'),
    )

    const done = await kaosIn(folder)('train', 'deploy', '-m', 'm.jsonl')

    assert.equal(done.code, 0, done.stderr)
    const sent = seen.find(one => one.method === 'POST' && one.url.endsWith('/train'))
    const { manifest, manifestFile } = JSON.parse(String(sent?.body))
    assert.equal(manifest, undefined)
    assert.equal(manifestFile.upload, 'u1')
    assert.match(manifestFile.digest, /^sha256:/)
    assert.ok(seen.some(one => one.url.endsWith('/uploads/u1/objects')))
  })
})

describe('kaos train list', () => {
  it('shows every ingestion that runs or failed, with three lines of progress', async t => {
    const { url } = await play(t, ({ url }, response) => {
      if (url.endsWith('/server')) return sendJson(response, LOCAL)
      if (url.endsWith('/train')) {
        const running = { ...ROW, state: 'JOB_RUNNING', duration: null }
        const killed = { ...ROW, state: 'JOB_KILLED', jobId: 'f'.repeat(32) }
        return sendJson(response, { ingesting: [running, ROW, killed], building: [], training: [] })
      }
      return sendJson(response, { workspaces: [{ name: 'mnist' }], name: 'mnist' })
    })

    const { stdout } = await kaosIn(connected(t, url))('train', 'list')

    assert.match(stdout, /INGESTING/)
    assert.match(stdout, /\| duration \| +job_id +\| +progress +\| +started +\| +state +\|/)
    assert.match(stdout, /JOB_RUNNING[\s\S]*JOB_FAILURE/)
    assert.match(stdout, /0\/3 \(0%\)[\s\S]*failed: 1[\s\S]*skipped: 2/)
    assert.ok(!stdout.includes('JOB_KILLED'))
  })
})
