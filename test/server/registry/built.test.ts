import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { newId } from '../../../api/ids.ts'
import { putFolder } from '../../../store/trees.ts'
import {
  CONFIG,
  codeOf,
  digestOf,
  IMAGE,
  LAYER,
  makeWorkspace,
  openRegistry,
  type TestRegistry,
} from './client.ts'

const NAME = 'mnist/build-train-mnist'

test('an image that kaos built is listed, and can be pulled by the hash in its name', async t => {
  const registry = await openRegistry(t)
  const { call, tags } = registry
  const built = await build(registry, 'build-train-mnist:e23a2')
  await build(registry, 'build-train-mnist:0ff1c')
  await build(registry, 'build-serve-mnist:e23a2')

  const { repositories } = (await call('GET', '/v2/_catalog')).json()
  const manifest = await call('GET', `/v2/${NAME}/manifests/e23a2`)
  const again = await call('GET', `/v2/${NAME}/manifests/${built.digest}`)

  assert.deepEqual(repositories, ['mnist/build-serve-mnist', NAME])
  assert.deepEqual(await tags(NAME), ['0ff1c', 'e23a2'])
  assert.ok(manifest.rawPayload.equals(built.bytes))
  assert.equal(manifest.headers['content-type'], IMAGE)
  assert.equal(manifest.headers['docker-content-digest'], built.digest)
  assert.ok(again.rawPayload.equals(built.bytes))
  for (const blob of built.blobs) {
    const got = await call('GET', `/v2/${NAME}/blobs/${digestOf(blob)}`)
    assert.ok(got.rawPayload.equals(blob))
  }
  const part = await call('GET', `/v2/${NAME}/blobs/${digestOf(built.blobs[0]!)}`, {
    headers: { range: 'bytes=1-2' },
  })
  assert.deepEqual(part.rawPayload, built.blobs[0]!.subarray(1, 3))
})

test('an image that kaos built is found by its digest before anybody asked for its tag', async t => {
  const registry = await openRegistry(t)
  const built = await build(registry, 'build-train-mnist:e23a2')

  const answer = await registry.call('HEAD', `/v2/${NAME}/manifests/${built.digest}`)
  const blob = await registry.call('HEAD', `/v2/${NAME}/blobs/${digestOf(built.blobs[1]!)}`)

  assert.deepEqual([answer.statusCode, blob.statusCode], [200, 200])
})

test('the newest of several images under one name is meant by it, and the others stay', async t => {
  const registry = await openRegistry(t)
  const old = await build(registry, 'build-train-mnist:e23a2')
  await registry.call('GET', `/v2/${NAME}/manifests/e23a2`)
  const fresh = await build(registry, 'build-train-mnist:e23a2')

  const tagged = await registry.call('GET', `/v2/${NAME}/manifests/e23a2`)
  const pinned = await registry.call('GET', `/v2/${NAME}/manifests/${old.digest}`)

  assert.equal(tagged.headers['docker-content-digest'], fresh.digest)
  assert.ok(pinned.rawPayload.equals(old.bytes))
})

test('the names of built images are given by kaos alone, and their images are not deleted', async t => {
  const registry = await openRegistry(t)
  const { call } = registry
  const { digest, bytes } = await build(registry, 'build-train-mnist:e23a2')
  await call('GET', `/v2/${NAME}/manifests/e23a2`)

  const answers = await Promise.all([
    call('POST', `/v2/${NAME}/blobs/uploads/`),
    call('PUT', `/v2/${NAME}/manifests/mine`, { payload: bytes }),
    call('DELETE', `/v2/${NAME}/manifests/e23a2`),
    call('DELETE', `/v2/${NAME}/manifests/${digest}`),
  ])

  for (const answer of answers) {
    assert.deepEqual([answer.statusCode, codeOf(answer)], [405, 'UNSUPPORTED'])
  }
  assert.equal((await call('HEAD', `/v2/${NAME}/manifests/${digest}`)).statusCode, 200)
})

test('a built image is copied into another repository without its bytes being sent', async t => {
  const registry = await openRegistry(t)
  const { call } = registry
  const built = await build(registry, 'build-train-mnist:e23a2')
  await call('GET', `/v2/${NAME}/manifests/e23a2`)

  for (const blob of built.blobs) {
    const query = `mount=${digestOf(blob)}&from=${NAME}`
    assert.equal((await call('POST', `/v2/mnist/mine/blobs/uploads/?${query}`)).statusCode, 201)
  }
  const pushed = await call('PUT', '/v2/mnist/mine/manifests/v1', { payload: built.bytes })

  assert.equal(pushed.statusCode, 201, pushed.body)
  for (const blob of built.blobs) {
    const got = await call('GET', `/v2/mnist/mine/blobs/${digestOf(blob)}`)
    assert.ok(got.rawPayload.equals(blob))
  }
})

test('an artifact that was tagged in another repository of its workspace can be pulled from there', async t => {
  const registry = await openRegistry(t)
  const { call, image, parts } = registry
  const { digest, bytes } = await image('mnist/app', 'v1')
  const [pointer] = await parts.ledger.pointers('oci/')
  const path = '/api/v1/workspaces/mnist/repositories/champions/tags'
  const tagging = await call('POST', path, {
    payload: { reference: pointer!.target, tags: ['now'] },
  })
  assert.ok(tagging.statusCode < 300, tagging.body)

  const got = await call('GET', '/v2/mnist/champions/manifests/now')

  assert.ok(got.rawPayload.equals(bytes))
  const { config, layers } = JSON.parse(bytes.toString())
  for (const blob of [config, ...layers]) {
    const answer = await call('GET', `/v2/mnist/champions/blobs/${blob.digest}`)
    assert.equal(digestOf(answer.rawPayload), blob.digest)
  }
  assert.equal((await call('HEAD', `/v2/mnist/champions/manifests/${digest}`)).statusCode, 200)
})

test("an attempt's token pulls the image of that attempt and nothing else", async t => {
  const registry = await openRegistry(t, { settings: { local: false } })
  const { call, parts, tokenOf } = registry
  const maintainer = { authorization: `Bearer ${await tokenOf('maintainer')}` }
  await makeWorkspace({ call }, 'mnist', maintainer)
  const { digest, blobs } = await build(registry, 'build-train-mnist:e23a2')
  await build(registry, 'build-serve-mnist:e23a2')
  const token = await parts.people.issueAttemptToken(newId(), 'default', NAME)
  const basic = Buffer.from(`attempt:${token}`).toString('base64')
  const status = async (method: string, path: string) => {
    const headers = { authorization: `Basic ${basic}` }
    return (await call(method, path, { headers })).statusCode
  }

  assert.equal(await status('GET', `/v2/${NAME}/manifests/${digest}`), 200)
  assert.equal(await status('HEAD', `/v2/${NAME}/blobs/${digestOf(blobs[1]!)}`), 200)
  const refused = [
    ['GET', '/v2/mnist/build-serve-mnist/manifests/e23a2'],
    ['GET', `/v2/${NAME}/tags/list`],
    ['GET', '/v2/_catalog'],
    ['DELETE', `/v2/${NAME}/manifests/${digest}`],
    ['GET', '/api/v1/workspaces'],
  ] as const
  for (const [method, path] of refused) assert.equal(await status(method, path), 403, path)
})

interface Built {
  readonly bytes: Buffer
  readonly digest: string
  readonly blobs: readonly Buffer[]
}

let images = 0

/** What a worker leaves: a small config, a layer, and their image as an entity. */
async function build({ parts }: TestRegistry, name: string): Promise<Built> {
  const config = Buffer.from(JSON.stringify({ image: ++images }))
  const layer = randomBytes(200_000)
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE,
      config: { mediaType: CONFIG, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: LAYER, digest: digestOf(layer), size: layer.length }],
    }),
  )
  const paths = [config, layer, bytes].map(content => {
    return { path: `blobs/${digestOf(content).replace(':', '/')}`, content }
  })
  const index = { path: 'index.json', content: Buffer.from('{}') }
  const { digest: tree } = await putFolder(parts.store, [...paths, index])
  await record({ parts }, name, tree, digestOf(bytes))
  return { bytes, digest: digestOf(bytes), blobs: [config, layer] }
}

async function record(
  { parts: { ledger, people, workspaces } }: Pick<TestRegistry, 'parts'>,
  name: string,
  tree: `sha256:${string}`,
  manifest: string,
): Promise<void> {
  const { id: workspace, organisation } = await workspaces.find(people.local, 'mnist')
  const [id, activity] = [newId(), newId()]
  const attributes = { kind: 'docker', manifest }
  await ledger.commit({
    actor: people.local.id,
    organisation,
    statements: [
      {
        type: 'image.built',
        workspace,
        nodes: [
          { id: activity, class: 'activity', kind: 'build', workspace, attributes: {} },
          { id, class: 'entity', kind: 'image', workspace, digest: tree, name, attributes },
        ],
        edges: [{ from: id, relation: 'wasGeneratedBy', to: activity }],
      },
    ],
  })
}
