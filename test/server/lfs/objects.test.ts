import assert from 'node:assert/strict'
import test from 'node:test'
import { QUIET_MS } from '../../../server/remotes/settling.ts'
import {
  basic,
  bearer,
  filesOf,
  newestOf,
  openRemotes,
  put,
  sha256,
  versionsOf,
} from '../remotes.ts'
import type { Headers } from '../sending.ts'

const TYPE = 'application/vnd.git-lfs+json'
const TEXT = 'weights'
const OID = sha256(TEXT)
const OBJECT = { oid: OID, size: TEXT.length }

interface Action {
  href: string
}
interface Told {
  transfer: string
  hash_algo: string
  objects: {
    oid: string
    size: number
    actions?: Record<string, Action>
    error?: { code: number; message: string }
  }[]
}

function ask(url: string, body: object, headers: Headers = {}): Promise<Response> {
  const type = `${TYPE}; charset=utf-8`
  const all = { accept: TYPE, 'content-type': type, ...headers }
  return fetch(url, { method: 'POST', headers: all, body: JSON.stringify(body) })
}

async function batch(lfs: string, operation: string, objects: object[]): Promise<Told> {
  const answer = await ask(`${lfs}/objects/batch`, { operation, transfers: ['basic'], objects })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), TYPE)
  return (await answer.json()) as Told
}

test('an object goes the way that the batch says: up, verified, and down', async t => {
  const { base } = await openRemotes(t)
  const lfs = `${base}/lfs/mnist/art`

  const up = await batch(lfs, 'upload', [OBJECT])
  const { upload, verify } = up.objects[0]?.actions ?? {}
  const sent = await put(upload!.href, TEXT, { 'content-type': 'application/octet-stream' })
  const verified = await ask(verify!.href, OBJECT)
  const again = await batch(lfs, 'upload', [OBJECT])
  const down = await batch(lfs, 'download', [OBJECT])
  const read = await fetch(down.objects[0]!.actions!.download!.href)

  assert.equal(up.transfer, 'basic')
  assert.equal(up.hash_algo, 'sha256')
  assert.equal(sent.status, 201)
  assert.equal(verified.status, 200)
  assert.deepEqual(again.objects, [OBJECT])
  assert.equal(await read.text(), TEXT)
})

test('a download that broke off goes on from where it was', async t => {
  const { base } = await openRemotes(t)
  const href = `${base}/lfs/mnist/art/objects/${OID}`
  await put(href, TEXT)

  const rest = await fetch(href, { headers: { range: 'bytes=3-' } })

  assert.equal(rest.status, 206)
  assert.equal(rest.headers.get('content-range'), 'bytes 3-6/7')
  assert.equal(await rest.text(), 'ghts')
})

test('each object of a batch has its own error', async t => {
  const { base } = await openRemotes(t)
  const lfs = `${base}/lfs/mnist/art`
  await put(`${lfs}/objects/${OID}`, TEXT)

  const down = await batch(lfs, 'download', [OBJECT, { oid: sha256('x'), size: 1 }])
  const up = await batch(lfs, 'upload', [
    { oid: '../../x', size: 1 },
    { oid: OID, size: 8 },
  ])

  assert.equal(down.objects[0]?.error, undefined)
  assert.equal(down.objects[1]?.error?.code, 404)
  assert.deepEqual(
    up.objects.map(one => one.error?.code),
    [422, 422],
  )
})

test('bytes of another oid are refused, and nothing of them is kept', async t => {
  const { base } = await openRemotes(t)
  const lfs = `${base}/lfs/mnist/art`

  const refused = await put(`${lfs}/objects/${OID}`, 'other')
  const read = await fetch(`${lfs}/objects/${OID}`)
  const verified = await ask(`${lfs}/objects/${OID}/verify`, OBJECT)

  assert.equal(refused.status, 400)
  assert.match(((await refused.json()) as { message: string }).message, /SHA-256/)
  assert.equal(read.status, 404)
  assert.equal(verified.status, 404)
})

test('the size is part of what is verified', async t => {
  const { base } = await openRemotes(t)
  const lfs = `${base}/lfs/mnist/art`
  await put(`${lfs}/objects/${OID}`, TEXT)

  const verified = await ask(`${lfs}/objects/${OID}/verify`, { oid: OID, size: 8 })

  assert.equal(verified.status, 400)
})

test('what git-lfs adds to the address of a Git remote is left out', async t => {
  const { base } = await openRemotes(t)
  await put(`${base}/lfs/mnist/art/objects/${OID}`, TEXT)

  const told = [
    await batch(`${base}/lfs/mnist/art.git/info/lfs`, 'download', [OBJECT]),
    await batch(`${base}/lfs/mnist/art/info/lfs`, 'download', [OBJECT]),
    await batch(`${base}/lfs/mnist.git/info/lfs`, 'download', [OBJECT]),
  ]

  const errors = told.map(({ objects }) => objects[0]?.error?.code)
  // The last is the repository lfs, which does not have it.
  assert.deepEqual(errors, [undefined, undefined, 404])
})

test('a batch that makes no sense is refused with what is wrong', async t => {
  const { base } = await openRemotes(t)
  const url = `${base}/lfs/mnist/art/objects/batch`
  const calls: [object, number, RegExp][] = [
    [{ operation: 'steal', objects: [] }, 400, /operation/],
    [{ operation: 'upload' }, 400, /objects/],
    [{ operation: 'upload', objects: [], transfers: ['tus'] }, 400, /basic/],
    [{ operation: 'upload', objects: [], hash_algo: 'sha512' }, 409, /sha256/],
  ]

  for (const [body, status, message] of calls) {
    const answer = await ask(url, body)
    const told = (await answer.json()) as { message: string; request_id: string }

    assert.equal(answer.status, status)
    assert.match(told.message, message)
    assert.ok(told.request_id)
  }
})

test('reading does not need the right to write; bringing does', async t => {
  const server = await openRemotes(t, { settings: { local: false } })
  const lfs = `${server.base}/lfs/mnist/art`
  const reader = basic(await server.tokenOf('viewer'))
  const writer = bearer(await server.tokenOf('contributor'))
  await put(`${lfs}/objects/${OID}`, TEXT, writer)

  const down = { operation: 'download', objects: [OBJECT] }
  const answers = [
    await ask(`${lfs}/objects/batch`, down),
    await ask(`${lfs}/objects/batch`, down, reader),
    await ask(`${lfs}/objects/batch`, { ...down, operation: 'upload' }, reader),
    await put(`${lfs}/objects/${OID}`, TEXT, reader),
    await ask(`${lfs}/locks`, { path: 'a' }, reader),
    await ask(`${lfs}/objects/batch`, { ...down, operation: 'upload' }, writer),
  ]

  assert.deepEqual(
    answers.map(answer => answer.status),
    [401, 200, 403, 403, 403, 200],
  )
  assert.match(answers[0]?.headers.get('lfs-authenticate') ?? '', /^Basic realm=/)
  assert.match(answers[0]?.headers.get('www-authenticate') ?? '', /^Basic realm=/)
})

test('credentials that are refused again and again are told to stop', async t => {
  const server = await openRemotes(t, { settings: { local: false } })
  const url = `${server.base}/lfs/mnist/art/locks/verify`
  const statuses: number[] = []

  for (let i = 0; i < 8; i++) statuses.push((await ask(url, {}, basic('wrong'))).status)
  const other = await ask(url, {}, basic('also wrong'))
  const none = await ask(url, {})
  server.clock.now += 61_000
  const later = await ask(url, {}, basic('wrong'))

  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 403, 403, 403])
  assert.deepEqual([other.status, none.status, later.status], [401, 401, 401])
})

test('objects become a version when nothing came for a while; the next one derives from it', async t => {
  const server = await openRemotes(t)
  const lfs = `${server.base}/lfs/mnist`
  await put(`${lfs}/objects/${OID}`, TEXT)
  server.clock.now += QUIET_MS
  await server.settle('lfs')
  await put(`${lfs}/objects/${sha256('more')}`, 'more')
  server.clock.now += QUIET_MS
  await server.settle('lfs')

  const versions = await versionsOf(server, 'lfs')
  const newest = await newestOf(server, 'lfs')
  const { nodes } = await server.parts.ledger.lineage(newest.id, {
    direction: 'up',
    relations: ['wasDerivedFrom'],
  })

  assert.deepEqual(await filesOf(server, versions[0]!), { [OID]: TEXT })
  assert.deepEqual(await filesOf(server, newest), { [sha256('more')]: 'more' })
  assert.deepEqual(
    nodes.map(node => node.id),
    [newest.id, versions[0]!.id],
  )
})

test('addresses of objects are those that the client can reach', async t => {
  const proxied = await openRemotes(t, { settings: { behindProxy: true, local: true } })
  const named = await openRemotes(t, { settings: { publicUrl: 'http://localhost/registry' } })
  const body = { operation: 'upload', objects: [OBJECT] }
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'kaos.example.com' }
  const hrefOf = async (base: string, headers: Headers) => {
    const answer = await ask(`${base}/lfs/mnist/art/objects/batch`, body, headers)
    return ((await answer.json()) as Told).objects[0]?.actions?.upload?.href
  }

  const behindProxy = await hrefOf(proxied.base, forwarded)
  const publicUrl = await hrefOf(named.base, {})

  assert.equal(behindProxy, `https://kaos.example.com/lfs/mnist/art/objects/${OID}`)
  assert.equal(publicUrl, `http://localhost/registry/lfs/mnist/art/objects/${OID}`)
})
