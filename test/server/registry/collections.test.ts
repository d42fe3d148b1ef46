import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import type { Expectation, Ledger } from '../../../graph/ledger.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { Scene } from '../care/scene.ts'
import { CONFIG, digestOf, IMAGE, located, openRegistry, type TestRegistry } from './client.ts'

const LARGE = randomBytes(18_000_000)

/** A ledger before whose n-th commit about content something happens; it may be made to let that
 * commit pass all the same. */
function before(nth: number, happens: () => Promise<unknown>, guarded = true) {
  let count = 0
  const withLedger = (ledger: Ledger): Ledger => ({
    ...ledger,
    async commit(commit) {
      const isEpoch = (one: Expectation) => 'record' in one && one.record === 'gc/epoch'
      if (commit.expect?.some(isEpoch) && ++count === nth) await happens()
      if (guarded) return ledger.commit(commit)
      const expect = (commit.expect ?? []).filter(one => !isEpoch(one))
      return ledger.commit({ ...commit, expect })
    },
  })
  return { withLedger, count: () => count }
}

async function openWith(t: TestContext, nth: number, guarded = true) {
  let collect: () => Promise<unknown> = async () => {}
  const moment = before(nth, () => collect(), guarded)
  const { withLedger } = moment
  const registry = await openRegistry(t, { store: await openMemoryStore(), withLedger })
  const scene = new Scene(registry)
  collect = async () => {
    // Of records the collection believes that they are young, of bytes that they are old.
    registry.clock.now -= 60_000
    const run = await scene.collect()
    registry.clock.now += 60_000
    assert.equal(run.state, 'done')
  }
  return { registry, moment, scene, collect: () => collect() }
}

/** An image whose layers come in all the ways there are. */
async function pushAll(registry: TestRegistry): Promise<{ name: string; bytes: Buffer }[]> {
  const { blob, call, manifest } = registry
  const config = await blob('mnist/app', '{"a":1}', CONFIG)
  const start = '/v2/mnist/app/blobs/uploads/'
  const sent = await call('PATCH', located(await call('POST', start)), {
    payload: LARGE.subarray(0, 17_500_000),
  })
  assert.equal(sent.statusCode, 202, sent.body)
  const layer = { mediaType: 'x/y', digest: digestOf(LARGE), size: LARGE.length }
  const done = await call('PUT', located(sent, `digest=${layer.digest}`), {
    payload: LARGE.subarray(17_500_000),
  })
  assert.equal(done.statusCode, 201, done.body)
  const content = { schemaVersion: 2, config, layers: [layer] }
  const pushed = await manifest('mnist/app', 'v1', content)
  assert.equal(pushed.answer.statusCode, 201, pushed.answer.body)
  for (const { digest } of [config, layer]) {
    const query = `mount=${digest}&from=mnist/app`
    const mounted = await call('POST', `/v2/mnist/copy/blobs/uploads/?${query}`)
    assert.equal(mounted.statusCode, 201, mounted.body)
  }
  const copied = await call('PUT', '/v2/mnist/copy/manifests/v1', {
    payload: pushed.bytes,
    headers: { 'content-type': IMAGE },
  })
  assert.equal(copied.statusCode, 201, copied.body)
  return ['app', 'copy'].flatMap(repository => [
    { name: `mnist/${repository}/manifests/v1`, bytes: pushed.bytes },
    { name: `mnist/${repository}/blobs/${config.digest}`, bytes: Buffer.from('{"a":1}') },
    { name: `mnist/${repository}/blobs/${layer.digest}`, bytes: LARGE },
  ])
}

async function requireAll({ call }: TestRegistry, all: readonly { name: string; bytes: Buffer }[]) {
  for (const { name, bytes } of all) {
    const answer = await call('GET', `/v2/${name}`)
    assert.ok(answer.rawPayload.equals(bytes), `${answer.statusCode} ${name}`)
  }
}

test('a collection between any bytes and their record takes nothing that was accepted', async t => {
  const trial = await openWith(t, 0)
  await pushAll(trial.registry)
  const moments = trial.moment.count()
  assert.ok(moments >= 8, String(moments))

  for (let nth = 1; nth <= moments; nth++) {
    await t.test(`before commit ${nth}`, async inner => {
      const { registry, scene, collect } = await openWith(inner, nth)
      const all = await pushAll(registry)
      await collect()
      await requireAll(registry, all)
      assert.equal((await scene.fsck()).state, 'clean')
    })
  }
})

test('without the epoch a collection there would take what was accepted', async t => {
  const { registry } = await openWith(t, 1, false)

  const { digest } = await registry.blob('mnist/app', LARGE.subarray(0, 100_000))

  assert.equal((await registry.call('GET', `/v2/mnist/app/blobs/${digest}`)).statusCode, 404)
})

test('what is pushed under a tag that was just taken away is whole after a collection', async t => {
  const { registry, collect } = await openWith(t, 0)
  const { image, call } = registry
  const { digest, bytes } = await image('mnist/app', 'v1')
  await call('DELETE', `/v2/mnist/app/manifests/${digest}`)

  await collect()
  const again = await call('PUT', '/v2/mnist/app/manifests/v2', {
    payload: bytes,
    headers: { 'content-type': IMAGE },
  })
  await collect()

  assert.equal(again.statusCode, 201, again.body)
  assert.ok((await call('GET', '/v2/mnist/app/manifests/v2')).rawPayload.equals(bytes))
  const { layers } = JSON.parse(bytes.toString())
  const layer = await call('GET', `/v2/mnist/app/blobs/${layers[0].digest}`)
  assert.equal(digestOf(layer.rawPayload), layers[0].digest)
})

test('a blob that nobody names stays for a while when somebody was told that it is here', async t => {
  const { registry, scene } = await openWith(t, 0)
  const { blob, call, clock } = registry
  const path = `/v2/mnist/app/blobs/${(await blob('mnist/app', 'a layer')).digest}`
  const other = `/v2/mnist/app/blobs/${(await blob('mnist/app', 'another')).digest}`
  clock.now += 2 * 3600_000

  const told = await call('HEAD', path)
  await scene.collect({ graceSeconds: 3600 })

  assert.equal(told.statusCode, 200)
  assert.equal((await call('GET', path)).body, 'a layer')
  assert.equal((await call('GET', other)).statusCode, 404)
})

test('an artifact keeps its blobs although they were deleted from the repository', async t => {
  const { registry, scene } = await openWith(t, 0)
  const { image, call, parts } = registry
  const { bytes } = await image('mnist/app', 'v1')
  const { config, layers } = JSON.parse(bytes.toString())
  for (const { digest } of [config, ...layers]) {
    await call('DELETE', `/v2/mnist/app/blobs/${digest}`)
  }

  await scene.collect()

  const [pointer] = await parts.ledger.pointers('oci/')
  assert.equal(await scene.content(pointer!.target), 200)
})
