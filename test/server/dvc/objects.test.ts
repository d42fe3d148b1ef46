import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'node:test'
import { openMemoryStore } from '../../../store/memory.ts'
import { basic, bearer, md5, newestOf, openRemotes, placeOf, put, versionsOf } from '../remotes.ts'
import { post } from '../sending.ts'

const TEXT = 'a,b\n1,2\n'
const PLACE = placeOf(md5(TEXT))

test('an object comes by PUT or POST, under either layout, and is there to read', async t => {
  const { base } = await openRemotes(t)
  const remote = `${base}/dvc/mnist/features`
  const old = `${md5(TEXT).slice(0, 2)}/${md5(TEXT).slice(2)}`

  const byPut = await put(`${remote}/${PLACE}`, TEXT)
  const byPost = await fetch(`${remote}/${old}`, { method: 'POST', body: TEXT })
  const read = await fetch(`${remote}/${PLACE}`)
  const head = await fetch(`${remote}/${old}`, { method: 'HEAD' })

  assert.deepEqual([byPut.status, byPost.status], [201, 201])
  assert.equal(await read.text(), TEXT)
  assert.equal(read.headers.get('etag'), `"${md5(TEXT)}"`)
  assert.equal(head.status, 200)
  assert.equal(head.headers.get('content-length'), String(TEXT.length))
})

test('what was not brought is not there', async t => {
  const { base } = await openRemotes(t)
  await put(`${base}/dvc/mnist/features/${PLACE}`, TEXT)

  const answers = [
    await fetch(`${base}/dvc/mnist/${PLACE}`),
    await fetch(`${base}/dvc/mnist/features/${PLACE}.dir`),
    await fetch(`${base}/dvc/mnist/features/${placeOf(md5('other'))}`, { method: 'HEAD' }),
    await fetch(`${base}/dvc/nobodys/features/${PLACE}`),
    await fetch(`${base}/dvc/mnist/features/${placeOf(md5('other'))}`, { method: 'DELETE' }),
  ]

  assert.deepEqual(
    answers.map(answer => answer.status),
    [404, 404, 404, 404, 404],
  )
})

test('bytes that are not those of the name are refused, and nothing of them is kept', async t => {
  const { base } = await openRemotes(t)
  const url = `${base}/dvc/mnist/${PLACE}`

  const refused = await put(url, `${TEXT}more`)
  const there = await fetch(url)

  assert.equal(refused.status, 400)
  assert.equal(((await refused.json()) as { code: string }).code, 'DIGEST_MISMATCH')
  assert.equal(there.status, 404)
})

test('an upload that breaks off leaves nothing, and can be sent again', async t => {
  const { base } = await openRemotes(t)
  const { port } = new URL(base)
  const url = `${base}/dvc/mnist/${PLACE}`
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')

  socket.write(`PUT /dvc/mnist/${PLACE} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`)
  socket.write(`content-length: ${TEXT.length}\r\n\r\na,b`)
  socket.end()
  await once(socket.resume(), 'close')
  const before = await fetch(url)
  const again = await put(url, TEXT)

  assert.equal(before.status, 404)
  assert.equal(again.status, 201)
})

test('the same object again, also at once, changes nothing', async t => {
  const server = await openRemotes(t)
  const url = `${server.base}/dvc/mnist/${PLACE}`

  const answers = await Promise.all([put(url, TEXT), put(url, TEXT), put(url, TEXT)])
  const later = await put(url, TEXT)
  const records = await server.parts.ledger.records('dvc/')

  assert.deepEqual(answers.map(answer => answer.status).toSorted(), [200, 200, 201])
  assert.equal(later.status, 200)
  assert.equal(records.length, 1)
})

test('the bytes are the bytes, whatever type the client says they have', async t => {
  const { base } = await openRemotes(t)
  const types = ['application/json', 'multipart/form-data; boundary=x', 'text/csv', 'x/y; z']

  for (const [i, type] of types.entries()) {
    const body = `{"not json ${i}`
    const url = `${base}/dvc/mnist/${placeOf(md5(body))}`
    const answer = await put(url, body, { 'content-type': type })
    const back = await fetch(url)

    assert.equal(answer.status, 201)
    assert.equal(await back.text(), body)
  }
})

test('an empty file is an object like any other', async t => {
  const { base } = await openRemotes(t)
  const url = `${base}/dvc/mnist/${placeOf(md5(''))}`

  const sent = await put(url, '')
  const read = await fetch(url)
  const head = await fetch(url, { method: 'HEAD' })

  assert.equal(sent.status, 201)
  assert.equal(await read.text(), '')
  assert.equal(head.headers.get('content-length'), '0')
})

test('a large object comes in pieces of unknown length and is read in ranges', async t => {
  const { base } = await openRemotes(t)
  const bytes = createHash('shake256', { outputLength: 40_000_000 }).update('x').digest()
  const url = `${base}/dvc/mnist/${placeOf(md5(bytes))}`
  const body = new Blob([bytes]).stream()

  const sent = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
  const range = async (value: string) => fetch(url, { headers: { range: value } })
  const middle = await range('bytes=30000000-30000099')
  const end = await range('bytes=-5')
  const beyond = await range(`bytes=${bytes.length}-`)
  const known = await fetch(url, { headers: { 'if-none-match': `"${md5(bytes)}"` } })

  assert.equal(sent.status, 201)
  assert.equal(middle.status, 206)
  assert.equal(middle.headers.get('content-range'), `bytes 30000000-30000099/${bytes.length}`)
  assert.deepEqual(Buffer.from(await middle.arrayBuffer()), bytes.subarray(30000000, 30000100))
  assert.deepEqual(Buffer.from(await end.arrayBuffer()), bytes.subarray(-5))
  assert.equal(beyond.status, 416)
  assert.equal(known.status, 304)
})

test('a text that DVC 2 hashed with other line ends is taken there alone', async t => {
  const { base } = await openRemotes(t)
  const remote = `${base}/dvc/mnist`
  const hash = md5('a\nb\n')

  const old = await put(`${remote}/${hash.slice(0, 2)}/${hash.slice(2)}`, 'a\r\nb\r\n')
  const now = await put(`${remote}/${placeOf(hash)}`, 'a\r\nb\r\n')
  const read = await fetch(`${remote}/${hash.slice(0, 2)}/${hash.slice(2)}`)

  assert.equal(old.status, 201)
  assert.equal(now.status, 400)
  assert.equal(await read.text(), 'a\r\nb\r\n')
})

test('every method asks a stranger for a token, and takes one as Basic or Bearer', async t => {
  const server = await openRemotes(t, { settings: { local: false } })
  const url = `${server.base}/dvc/mnist/${PLACE}`
  const [reader, writer] = [await server.tokenOf('viewer'), await server.tokenOf('contributor')]

  for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PROPFIND', 'MKCOL']) {
    const body = /P[UO]/.test(method) && method !== 'OPTIONS' ? TEXT : null
    const answer = await fetch(url, { method, body })
    assert.equal(answer.status, 401, method)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic realm=/)
  }
  const wrong = await put(url, TEXT, basic('kaos_wrong'))
  const forbidden = await put(url, TEXT, basic(reader))
  const written = await put(url, TEXT, bearer(writer))
  const read = await fetch(url, { headers: basic(reader) })

  assert.equal(wrong.status, 401)
  assert.equal(forbidden.status, 403)
  assert.equal(written.status, 201)
  assert.equal(await read.text(), TEXT)
})

test('an object that was taken away is gone from the remote, as a fact, and stays in its version', async t => {
  const server = await openRemotes(t)
  const url = `${server.base}/dvc/mnist/${PLACE}`
  await put(url, TEXT)
  server.clock.now += 60_000
  await server.settle('dvc')

  const removed = await fetch(url, { method: 'DELETE' })
  const after = await fetch(url)
  const log = await server.parts.ledger.log(0, 1000)
  const version = await newestOf(server, 'dvc')

  assert.equal(removed.status, 204)
  assert.equal(after.status, 404)
  const fact = log.map(({ payload }) => JSON.parse(payload ?? '{}')).find(isRemoval)
  assert.deepEqual(fact.detail, { repository: 'dvc', object: PLACE })
  assert.equal(version.attributes.files, 1)
})

const isRemoval = ({ type }: { type: string }) => type === 'dvc.removed'

test('what the store lost is absent, and comes back when it is pushed again', async t => {
  const server = await openRemotes(t, { store: await openMemoryStore() })
  const { store } = server.parts
  const url = `${server.base}/dvc/mnist/${PLACE}`
  await put(url, TEXT)
  const all = await Array.fromAsync(store.list())

  const condemned = await store.condemn(all.map(one => one.digest))
  const during = await fetch(url, { method: 'HEAD' })
  const again = await put(url, TEXT)
  await condemned.remove()
  await condemned.release()
  const read = await fetch(url)

  assert.equal(during.status, 404)
  assert.equal(again.status, 201)
  assert.equal(await read.text(), TEXT)
})

test('a workspace that has no room left takes no more', async t => {
  const server = await openRemotes(t)
  const { ledger, people, quotas } = server.parts
  const { id: actor, organisation } = people.system
  const records = quotas.limitWrites(server.ws, 1000, 0)
  await ledger.commit({ actor, organisation, records })
  const large = 'x'.repeat(2000)

  const refused = await put(`${server.base}/dvc/mnist/${placeOf(md5(large))}`, large)
  const taken = await put(`${server.base}/dvc/mnist/${PLACE}`, TEXT)
  const use = await quotas.of(server.ws)

  assert.equal(refused.status, 403)
  assert.equal(((await refused.json()) as { code: string }).code, 'QUOTA_EXCEEDED')
  assert.equal(taken.status, 201)
  assert.equal(use?.received, TEXT.length)
  assert.equal(use?.held, 0)
})

test('a workspace that was killed takes its remote along', async t => {
  const server = await openRemotes(t)
  const url = `${server.base}/dvc/mnist/${PLACE}`
  await put(url, TEXT)
  const workspace = `${server.base}/api/v1/workspaces`
  await fetch(`${workspace}/mnist`, { method: 'DELETE' })
  await post(workspace, { name: 'mnist' })
  server.clock.now += 60_000
  await server.settle('dvc')

  const read = await fetch(url)
  const versions = await versionsOf(server, 'dvc')
  const left = await server.parts.ledger.records('brought/')

  assert.equal(read.status, 404)
  assert.equal(versions.length, 0)
  assert.deepEqual(left, [])
})
