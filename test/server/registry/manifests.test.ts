import assert from 'node:assert/strict'
import test from 'node:test'
import {
  CONFIG,
  codeOf,
  digestOf,
  IMAGE,
  INDEX,
  LAYER,
  located,
  openRegistry,
  type TestRegistry,
} from './client.ts'

const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

test('a manifest comes back byte for byte, by tag and by digest, with the type of its push', async t => {
  const { call, blob } = await openRegistry(t)
  const config = await blob('mnist/app', '{}', CONFIG)
  const text = `{ "schemaVersion": 2,\n "config":${JSON.stringify(config)}, "layers": [],
    "custom": {"ünï": [1, {"a": null}]}, "annotations": {"b": "2", "a": "1"} }`
  const payload = Buffer.from(text)
  const digest = digestOf(payload)

  const pushed = await call('PUT', '/v2/mnist/app/manifests/v1', {
    payload,
    headers: { 'content-type': `${IMAGE}; charset=utf-8` },
  })

  assert.equal(pushed.statusCode, 201)
  assert.equal(located(pushed), `/v2/mnist/app/manifests/${digest}`)
  assert.equal(pushed.headers['docker-content-digest'], digest)
  for (const [method, reference] of [
    ['GET', 'v1'],
    ['HEAD', 'v1'],
    ['GET', digest],
    ['HEAD', digest],
  ]) {
    const accept = 'text/html, application/json;q=0.5'
    const answer = await call(method!, `/v2/mnist/app/manifests/${reference}`, {
      headers: { accept },
    })
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers['content-type'], IMAGE)
    assert.equal(answer.headers['docker-content-digest'], digest)
    assert.equal(answer.headers['content-length'], String(payload.length))
    if (method === 'GET') assert.ok(answer.rawPayload.equals(payload))
  }
})

test('layers may be missing, empty or null', async t => {
  const registry = await openRegistry(t)
  const config = await registry.blob('mnist/app', '{}', 'application/vnd.oci.empty.v1+json')

  for (const layers of [undefined, [], null]) {
    const { answer } = await registry.manifest('mnist/app', 'v1', {
      schemaVersion: 2,
      artifactType: 'application/x.thing',
      config,
      layers,
    })
    assert.equal(answer.statusCode, 201)
  }
})

test('the type of a manifest is that of the request when its body has none, and both must agree', async t => {
  const registry = await openRegistry(t)
  const config = await registry.blob('mnist/app', '{}', CONFIG)
  const content = { schemaVersion: 2, config, layers: [] }

  const docker = await registry.manifest('mnist/app', 'docker', content, DOCKER)
  const bare = await registry.call('PUT', '/v2/mnist/app/manifests/bare', {
    payload: JSON.stringify({ ...content, mediaType: IMAGE }),
  })
  const other = await registry.manifest('mnist/app', 'x', { ...content, mediaType: IMAGE }, DOCKER)
  const page = await registry.manifest('mnist/app', 'x', content, 'text/html')

  assert.equal(docker.answer.statusCode, 201)
  assert.equal(await typeOf(registry, 'docker'), DOCKER)
  assert.equal(bare.statusCode, 201, bare.body)
  assert.equal(await typeOf(registry, 'bare'), IMAGE)
  for (const { answer } of [other, page]) {
    assert.deepEqual([answer.statusCode, codeOf(answer)], [400, 'MANIFEST_INVALID'])
  }
})

test('an unknown type with a body of schema 2 is kept', async t => {
  const registry = await openRegistry(t)
  const type = 'application/vnd.future.thing.v9+json'

  const { answer } = await registry.manifest('mnist/app', 'v1', { schemaVersion: 2, new: 1 }, type)

  assert.equal(answer.statusCode, 201)
  assert.equal(await typeOf(registry, 'v1'), type)
})

test('what is no manifest is refused', async t => {
  const { call } = await openRegistry(t)
  const digest = digestOf('x')
  const bodies = [
    'no json',
    '[]',
    'null',
    '{}',
    '{"schemaVersion":1}',
    `{"schemaVersion":2,"config":{"digest":"${digest}","size":-1}}`,
    `{"schemaVersion":2,"config":{"digest":"md5:1","size":1}}`,
    `{"schemaVersion":2,"layers":{}}`,
    `{"schemaVersion":2,"layers":[7]}`,
    `{"schemaVersion":2,"manifests":"none"}`,
    `{"schemaVersion":2,"subject":{"digest":"x"}}`,
    `{"schemaVersion":2,"a":${'['.repeat(100)}${']'.repeat(100)}}`,
  ]

  for (const payload of bodies) {
    const answer = await call('PUT', '/v2/mnist/app/manifests/v1', {
      payload,
      headers: { 'content-type': IMAGE },
    })
    assert.deepEqual([answer.statusCode, codeOf(answer)], [400, 'MANIFEST_INVALID'], payload)
  }
  assert.equal((await call('GET', '/v2/mnist/app/manifests/v1')).statusCode, 404)
})

test('a manifest is refused when a blob that it names is missing or of another size', async t => {
  const { blob, manifest } = await openRegistry(t)
  const config = await blob('mnist/app', '{}', CONFIG)
  const elsewhere = await blob('mnist/other', 'a layer')
  const missing = { mediaType: LAYER, digest: digestOf('nobody has it'), size: 13 }

  for (const layer of [missing, elsewhere, { ...config, size: 3 }]) {
    const { answer } = await manifest('mnist/app', 'v1', {
      schemaVersion: 2,
      config,
      layers: [layer],
    })
    assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'MANIFEST_BLOB_UNKNOWN'])
    assert.equal(answer.json().errors[0].detail.digest, layer.digest)
  }
})

test('layers that may be elsewhere need not be here', async t => {
  const { blob, manifest } = await openRegistry(t)
  const config = await blob('mnist/app', '{}', CONFIG)
  const absent = { digest: digestOf('foreign'), size: 7 }
  const layers = [
    { ...absent, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' },
    { ...absent, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
    { ...absent, mediaType: LAYER, urls: ['https://example.com/layer'] },
  ]

  const { answer } = await manifest('mnist/app', 'v1', { schemaVersion: 2, config, layers })

  assert.equal(answer.statusCode, 201, answer.body)
})

test('an index needs the manifests that it names, and may hold another index', async t => {
  const { image, manifest, call } = await openRegistry(t)
  const { answer: _, bytes: __, ...child } = await image('mnist/app', undefined)
  const inner = { schemaVersion: 2, mediaType: INDEX, manifests: [child] }
  const first = await manifest('mnist/app', undefined, inner, INDEX)
  const nested = { mediaType: INDEX, digest: first.digest, size: first.size }
  const second = await manifest(
    'mnist/app',
    'all',
    { schemaVersion: 2, mediaType: DOCKER_LIST, manifests: [nested, child] },
    DOCKER_LIST,
  )
  const missing = { mediaType: IMAGE, digest: digestOf('x'), size: 1 }

  const refused = await manifest('mnist/app', 'v2', { ...inner, manifests: [missing] }, INDEX)
  const wrong = await manifest(
    'mnist/app',
    'v2',
    { ...inner, manifests: [{ ...child, size: 1 }] },
    INDEX,
  )

  assert.deepEqual([first.answer.statusCode, second.answer.statusCode], [201, 201])
  for (const { answer } of [refused, wrong]) {
    assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'MANIFEST_BLOB_UNKNOWN'])
  }
  assert.equal((await call('GET', `/v2/mnist/app/manifests/all`)).json().manifests.length, 2)
})

test('a manifest that is pushed by digest must have it, sha512 as well', async t => {
  const { blob, call } = await openRegistry(t)
  const config = await blob('mnist/app', '{}', CONFIG)
  const payload = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: null }))
  const headers = { 'content-type': IMAGE }
  const long = digestOf(payload, 'sha512')

  const wrong = await call('PUT', `/v2/mnist/app/manifests/${digestOf('x')}`, { payload, headers })
  const right = await call('PUT', `/v2/mnist/app/manifests/${long}?tag=a`, { payload, headers })

  assert.deepEqual([wrong.statusCode, codeOf(wrong)], [400, 'DIGEST_INVALID'])
  assert.equal(right.headers['docker-content-digest'], long)
  for (const reference of [long, 'a']) {
    const got = await call('GET', `/v2/mnist/app/manifests/${reference}`)
    assert.ok(got.rawPayload.equals(payload))
    assert.equal(got.headers['docker-content-digest'], long)
  }
})

test('a push by digest makes every tag that it asks for', async t => {
  const { blob, call, tags } = await openRegistry(t)
  const config = await blob('mnist/app', '{}', CONFIG)
  const payload = JSON.stringify({ schemaVersion: 2, config, layers: [] })
  const path = `/v2/mnist/app/manifests/${digestOf(payload)}`
  const wanted = Array.from({ length: 12 }, (_, i) => `t${String(i).padStart(2, '0')}`)
  const query = wanted.map(tag => `tag=${tag}`).join('&')
  const headers = { 'content-type': IMAGE }

  const answer = await call('PUT', `${path}?${query}`, { payload, headers })
  const many = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join('&')
  const refused = await call('PUT', `${path}?${many}`, { payload, headers })

  assert.equal(answer.statusCode, 201)
  assert.equal(answer.headers['oci-tag'], wanted.join(', '))
  assert.deepEqual(await tags('mnist/app'), wanted)
  assert.equal(refused.statusCode, 414)
})

test('a large manifest is taken, one without bounds is not', async t => {
  const { blob, call } = await openRegistry(t)
  const config = await blob('mnist/app', '{}', CONFIG)
  const padded = (size: number) => {
    return JSON.stringify({ schemaVersion: 2, config, annotations: { pad: 'x'.repeat(size) } })
  }
  const push = (payload: string) => {
    return call('PUT', '/v2/mnist/app/manifests/v1', {
      payload,
      headers: { 'content-type': IMAGE },
    })
  }

  const large = await push(padded(4 * 1024 * 1024))
  const huge = await push(padded(16 * 1024 * 1024))

  assert.equal(large.statusCode, 201)
  assert.deepEqual([huge.statusCode, codeOf(huge)], [413, 'SIZE_INVALID'])
})

test('a manifest that is not here is told in the words of the specification', async t => {
  const { call, image } = await openRegistry(t)
  await image('mnist/app', 'v1')

  for (const reference of ['v2', digestOf('x'), '.bad', 'a'.repeat(200)]) {
    const answer = await call('GET', `/v2/mnist/app/manifests/${reference}`)
    assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'MANIFEST_UNKNOWN'])
    assert.match(String(answer.headers['content-type']), /^application\/json/)
  }
})

test('a tag has to be one', async t => {
  const { call } = await openRegistry(t)

  for (const tag of ['.bad', 'a'.repeat(129), 'a%20b']) {
    const answer = await call('PUT', `/v2/mnist/app/manifests/${tag}`, { payload: '{}' })
    assert.equal(answer.statusCode, 400)
  }
})

test('a damaged manifest is said to be missing, and pushing it again heals it', async t => {
  const { image, call, parts, manifest } = await openRegistry(t)
  const pushed = await image('mnist/app', 'v1')
  const entity = await parts.ledger.pointers('oci/')
  const node = await parts.ledger.node(entity[0]!.target)
  const lost = [node!.digest!]
  for await (const { digest } of parts.store.list()) {
    const bytes = Buffer.from(await parts.store.get(digest))
    if (bytes.includes(pushed.bytes)) lost.push(digest)
  }
  await parts.store.remove(lost.slice(1))

  const missing = await call('GET', '/v2/mnist/app/manifests/v1')
  const again = await manifest('mnist/app', 'v1', JSON.parse(pushed.bytes.toString()))
  const healed = await call('GET', '/v2/mnist/app/manifests/v1')

  assert.deepEqual([missing.statusCode, codeOf(missing)], [404, 'MANIFEST_UNKNOWN'])
  assert.equal(again.answer.statusCode, 201)
  assert.ok(healed.rawPayload.equals(pushed.bytes))
})

async function typeOf({ call }: TestRegistry, tag: string): Promise<unknown> {
  return (await call('GET', `/v2/mnist/app/manifests/${tag}`)).headers['content-type']
}
