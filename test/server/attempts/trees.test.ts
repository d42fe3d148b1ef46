import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import test from 'node:test'
import { type Digest, rawOf } from '../../../api/digest.ts'
import { parseFrames } from '../../../api/transfer/frames.ts'
import { FRAMES_TYPE } from '../../../api/transfer/protocol.ts'
import { decodeTree, segmentsOf } from '../../../api/tree.ts'
import { openScripted } from '../jobs/scripted.ts'

test('a worker reads the trees that its order names, and no others', async t => {
  const server = await openScripted(t)
  await server.firstTraining()
  const secret = await server.bundle('data', 'secret', { 'a.txt': 'x' })
  const build = await server.claimed(['build'])
  assert.ok(build.work.kind === 'build')
  const headers = { authorization: `Bearer ${build.token}` }

  const named = `/attempts/${build.attempt}/trees/${build.work.source}`
  const good = await server.call('GET', named, undefined, headers)
  const other = `/attempts/${build.attempt}/trees/${secret.tree}`
  const bad = await server.call('GET', other, undefined, headers)

  assert.equal(good.statusCode, 200)
  assert.equal(good.headers['content-type'], FRAMES_TYPE)
  assert.ok(good.rawPayload.includes('FROM scratch'))
  assert.deepEqual([bad.statusCode, bad.json().code], [404, 'OBJECT_UNKNOWN'])
})

test('a worker that has some of a tree is sent the rest, and nothing of other trees', async t => {
  const server = await openScripted(t)
  await server.firstTraining()
  const secret = await server.bundle('data', 'secret', { 'big.bin': 's'.repeat(40_000) })
  const build = await server.claimed(['build'])
  assert.ok(build.work.kind === 'build')
  const base = `/attempts/${build.attempt}/trees`
  const token = { authorization: `Bearer ${build.token}` }
  const headers = { ...token, 'content-type': 'application/octet-stream' }
  const ask = (tree: string, digests: readonly string[]) => {
    const body = Buffer.concat(digests.map(digest => rawOf(digest as Digest)))
    return server.call('POST', `${base}/${tree}/parts`, body, headers)
  }

  const { source } = build.work
  const folders = await server.call('GET', `${base}/${source}/folders`, undefined, token)
  const trees = (await objectsIn(folders.rawPayload)).map(decodeTree)
  const segments = trees.flatMap(segmentsOf).map(segment => segment.digest)
  const parts = await ask(source, [...segments, secret.tree])
  const nothing = await ask(source, [secret.tree])
  const refused = [
    await server.call('GET', `${base}/${secret.tree}/folders`, undefined, token),
    await ask(secret.tree, [secret.tree]),
  ]

  assert.ok(segments.length > 0)
  assert.ok(!folders.rawPayload.includes('FROM scratch'))
  assert.ok(parts.rawPayload.includes('FROM scratch'))
  assert.equal((await objectsIn(parts.rawPayload)).length, segments.length)
  assert.deepEqual([nothing.statusCode, nothing.rawPayload.length], [200, 0])
  assert.deepEqual(
    refused.map(answer => [answer.statusCode, answer.json().code]),
    [
      [404, 'OBJECT_UNKNOWN'],
      [404, 'OBJECT_UNKNOWN'],
    ],
  )
})

async function objectsIn(body: Buffer): Promise<Buffer[]> {
  return Array.fromAsync(parseFrames(Readable.from([body])))
}
