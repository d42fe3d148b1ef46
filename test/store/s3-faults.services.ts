import assert from 'node:assert/strict'
import test, { after, before, type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import { openS3Shelf } from '../../store/s3/shelf.ts'
import { BucketBench, dropBucket, testPlace } from './buckets.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn, filesFound } from './conformance.ts'
import { MeddlingProxy } from './meddling-proxy.ts'

const place = testPlace()
before(async () => new BucketBench(place).client.makeBucket(place.bucket, place.region))
after(() => dropBucket(place))

const objects = Array.from({ length: 40 }, (_, i) => noise(200_000, i + 1))
const digests = objects.map(digestOf)

test('a connection that is cut in the middle of a pack costs a repetition, not the put', async t => {
  const { bench, proxy, store } = await behindProxy(t)
  let [sent, cuts] = [0, 0]
  proxy.meddle = bytes => {
    sent += bytes.length
    if (sent < 3_000_000 || cuts === 2) return bytes
    sent = 0
    cuts++
    return undefined
  }

  assert.deepEqual(await store.put(objects), digests)

  assert.equal(cuts, 2)
  const other = await bench.open()
  assert.deepEqual(await damageFound(other), [])
  for (const digest of digests) assert.equal(digestOf(await other.get(digest)), digest)
})

test('a put that cannot reach the server any more lists nothing, and leaves nothing that is listed', async t => {
  const { bench, proxy, store } = await behindProxy(t)
  const [before] = await store.put([Buffer.from('before')])
  let sent = 0
  proxy.meddle = bytes => {
    sent += bytes.length
    return sent < 3_000_000 ? bytes : undefined
  }

  await assert.rejects(store.put(objects), { code: 'UNAVAILABLE', message: /does not answer/ })

  proxy.meddle = bytes => bytes
  const other = await bench.open()
  assert.deepEqual(await digestsIn(other), [before])
  assert.deepEqual(await digestsIn(store), [before])
  assert.deepEqual(await store.put(objects), digests)
  assert.ok((await other.has(digests)).every(Boolean))
})

test('bytes that change on the way are refused by the server and sent again', async t => {
  const { bench, proxy, store } = await behindProxy(t)
  let flips = 0
  proxy.meddle = bytes => {
    if (flips > 0 || bytes.length < 20_000) return bytes
    flips++
    const changed = Buffer.from(bytes)
    changed[changed.length - 1]! ^= 1
    return changed
  }

  await store.put(objects)

  assert.equal(flips, 1)
  const other = await bench.open()
  assert.deepEqual(await damageFound(other), [])
})

test('wrong keys, missing keys and a server that is not there are told apart', async t => {
  const bench = new BucketBench(place)
  t.after(() => bench.dispose())

  const refused = { code: 'CONFIGURATION', message: /refuses these keys/ }
  await assert.rejects(bench.open({ secretKey: 'wrong' }), refused)
  await assert.rejects(bench.open({ accessKey: 'nobody' }), refused)
  const closed = await MeddlingProxy.to(t, place.endpoint)
  const { url } = closed
  await closed.close()
  await assert.rejects(bench.open({ endpoint: url }), {
    code: 'UNAVAILABLE',
    message: /ECONNREFUSED/,
  })
  await assert.rejects(bench.open({ endpoint: 'ftp://nowhere' }), { code: 'CONFIGURATION' })
})

test('what must be created once is created once, however many try', async t => {
  const bench = new BucketBench(place)
  t.after(() => bench.dispose())
  const shelf = await openS3Shelf(bench.place, await bench.folder())
  t.after(() => shelf.close())

  const tries = await Promise.all(
    Array.from({ length: 20 }, (_, i) => shelf.create('feed/000000000001', Buffer.from(`${i}`))),
  )

  assert.equal(tries.filter(Boolean).length, 1)
  const winner = tries.indexOf(true)
  assert.equal(String(await shelf.readWhole('feed/000000000001')), `${winner}`)
})

test('servers that start at the same moment over an empty bucket are one store', async t => {
  const bench = new BucketBench(place)
  t.after(() => bench.dispose())

  const stores = await Promise.all([bench.open(), bench.open(), bench.open()])

  assert.equal(new Set(stores.map(store => store.id)).size, 1)
})

test('uploads that were broken off long ago are taken away at the next start', async t => {
  const bench = new BucketBench(place)
  t.after(() => bench.dispose())
  const { bucket, prefix } = bench.place
  const [old, fresh] = [newId(Date.now() - 3 * 24 * 3600_000), newId()]
  for (const pack of [old, fresh]) {
    const key = `${prefix}packs/${pack}.pack`
    const upload = await bench.client.initiateNewMultipartUpload(bucket, key, {})
    const part = { bucketName: bucket, objectName: key, uploadID: upload, partNumber: 1 }
    await bench.client.uploadPart({ ...part, headers: {} }, noise(6_000_000, 1))
  }

  await bench.open()

  const uploads = bench.client.listIncompleteUploads(bucket, `${prefix}`, true)
  const left: { key: string; uploadId: string }[] = await Array.fromAsync(uploads)
  assert.deepEqual(
    left.map(({ key }) => key),
    [`${prefix}packs/${fresh}.pack`],
  )
})

test('flipped bits in every kind of object are found and healed', async t => {
  const bench = new BucketBench(place)
  t.after(() => bench.dispose())
  const store = await bench.open()
  await store.put(objects.slice(0, 10))
  await store.remove(digests.slice(0, 2))
  const condemned = await store.condemn(digests.slice(2, 5))
  await condemned.spare([digests[4]!])
  await condemned.remove()
  await bench.damage(digests[5]!)
  await assert.rejects(store.get(digests[5]!), { code: 'OBJECT_DAMAGED' })
  const living = objects.slice(4, 10)
  await store.put(living)

  for (const kind of [
    /store\.json$/,
    /\.idx$/,
    /\.gone$/,
    /\.bad$/,
    /\.dying$/,
    /\.end$/,
    /^feed/,
  ]) {
    const name = (await bench.names()).find(one => kind.test(one))
    assert.ok(name !== undefined, `a file like ${kind}`)
    await bench.flip(name, kind.source.includes('json') ? 45 : 30)

    assert.ok((await filesFound(store)).includes(name), name)

    assert.deepEqual(await filesFound(store), [], name)
    assert.deepEqual(await damageFound(store), [], name)
  }
  await bench.damage(digests[6]!)
  assert.deepEqual(await damageFound(store), [digests[6]])
  await store.put(living)
  assert.deepEqual(await damageFound(store), [])
  const fresh = await bench.open()
  for (const digest of digests.slice(4, 10)) {
    assert.equal(digestOf(await fresh.get(digest)), digest)
  }
})

async function behindProxy(t: TestContext) {
  const bench = new BucketBench(place)
  t.after(() => bench.dispose())
  const proxy = await MeddlingProxy.to(t, place.endpoint)
  const store = await bench.open({ endpoint: proxy.url })
  return { bench, proxy, store }
}
