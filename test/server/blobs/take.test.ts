import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import test from 'node:test'
import { pack } from 'tar-stream'
import { newId } from '../../../api/ids.ts'
import { blobAt, blobWrites, hashesOf, readRange, takeBlob } from '../../../server/blobs/blobs.ts'
import type { Rooms } from '../../../server/rooms.ts'
import { putBytes } from '../../../store/trees.ts'
import { openTestApp } from '../open.ts'

test('a short stream is held until its fact is made, a long one is durable at once', async t => {
  const { parts } = await openTestApp(t)
  const [short, long] = [randomBytes(700_000), randomBytes(40_000_000)]

  const first = await take(parts, short)
  const second = await take(parts, long)

  assert.deepEqual([first.held, second.held], [true, false])
  assert.deepEqual(await parts.store.has([first.file]), [false])
  await first.keep()
  await second.keep()
  assert.ok((await read(parts, first)).equals(short))
  assert.ok((await read(parts, second)).equals(long))
})

test('all hashes that were asked for are those of the plain bytes', async t => {
  const { parts } = await openTestApp(t)
  const bytes = randomBytes(100_000)

  const taken = await take(parts, bytes)

  const hashOf = (name: string) => createHash(name).update(bytes).digest('hex')
  assert.deepEqual(taken.hashes, { sha256: hashOf('sha256'), md5: hashOf('md5') })
})

test('a stream that breaks off leaves nothing that counts', async t => {
  const { parts } = await openTestApp(t)
  async function* broken() {
    yield randomBytes(1000)
    throw new Error('the line went dead')
  }

  const taking = takeBlob(parts, { session: newId(), source: broken(), hashes: [] })

  await assert.rejects(taking, /went dead/)
  assert.equal((await parts.store.stats()).objects, 0)
})

test('a range reads only the chunks that it needs', async t => {
  const { parts } = await openTestApp(t)
  const bytes = randomBytes(2_000_000)
  const { file, keep } = await take(parts, bytes)
  await keep()
  const fetched: string[] = []
  const watched = {
    get: (digest: typeof file) => {
      fetched.push(digest)
      return parts.store.get(digest)
    },
  }

  const part = Buffer.concat(await Array.fromAsync(readRange(watched, file, 1_234_567, 1_234_570)))

  assert.deepEqual(part, bytes.subarray(1_234_567, 1_234_570))
  assert.ok(fetched.length <= 3, String(fetched.length))
})

test('an archive shares its chunks with the files that it holds', async t => {
  const { parts } = await openTestApp(t)
  const bytes = randomBytes(3_000_000)
  await putBytes(parts.store, bytes)
  const before = (await parts.store.stats()).bytes
  const archive = pack()
  archive.entry({ name: 'weights.bin' }, bytes)
  archive.finalize()

  const { keep } = await takeBlob(parts, {
    session: newId(),
    source: archive as AsyncIterable<Buffer>,
    hashes: [],
  })
  await keep()

  const added = (await parts.store.stats()).bytes - before
  assert.ok(added < 10_000, String(added))
})

test('a blob is what its record says: a file, a part of an entity, or a view', async t => {
  const { parts } = await openTestApp(t)
  const { ledger, store, people } = parts
  const bytes = randomBytes(50_000)
  const taken = await take(parts, bytes)
  await taken.keep()
  const digest = `sha256:${taken.hashes.sha256}`
  const views = async () => ({
    size: 5,
    async *read(start = 0, end = 5) {
      yield Buffer.from('hello').subarray(start, end)
    },
  })
  const known = { at: new Date().toISOString() }
  await ledger.commit({
    actor: people.system.id,
    organisation: 'default',
    records: [
      ...blobWrites('ws', 'team/one', digest, { file: taken.file, size: taken.size, ...known }),
      ...blobWrites('ws', 'team/two', digest, { view: { layer: 'x' }, size: 5, ...known }),
    ],
  })
  const reading = { ledger, store, views }

  const file = await blobAt(reading, 'ws', 'team/one', digest)
  const view = await blobAt(reading, 'ws', 'team/two', digest)

  assert.deepEqual(await hashesOf(file!, ['sha256']), { sha256: taken.hashes.sha256 })
  assert.equal(Buffer.concat(await Array.fromAsync(view!.read(1, 3))).toString(), 'el')
  assert.equal(await blobAt(reading, 'ws', 'team', digest), undefined)
  await store.remove([taken.file])
  assert.equal(await file!.isSound(), false)
})

async function* pieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

function take(parts: Rooms, bytes: Buffer) {
  const order = { session: newId(), source: pieces(bytes), hashes: ['sha256', 'md5'] as const }
  return takeBlob(parts, order)
}

async function read({ store }: Rooms, { file, size }: { file: `sha256:${string}`; size: number }) {
  return Buffer.concat(await Array.fromAsync(readRange(store, file, 0, size)))
}
