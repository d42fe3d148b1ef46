import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ROLES, type Role } from '../../../api/actor.ts'
import { codeOf, digestOf, makeWorkspace, openRegistry } from './client.ts'

const SHARED = { settings: { local: false } }
const D = digestOf('x')
const READS = [
  '/v2/',
  '/v2/_catalog',
  '/v2/_oci/ext/discover',
  '/v2/mnist/app/tags/list',
  '/v2/mnist/app/manifests/v1',
  `/v2/mnist/app/blobs/${D}`,
  `/v2/mnist/app/referrers/${D}`,
  '/v2/mnist/app/blobs/uploads/x',
]
const WRITES: [string, string][] = [
  ['POST', '/v2/mnist/app/blobs/uploads/'],
  ['PATCH', '/v2/mnist/app/blobs/uploads/x'],
  ['PUT', '/v2/mnist/app/blobs/uploads/x'],
  ['DELETE', '/v2/mnist/app/blobs/uploads/x'],
  ['PUT', '/v2/mnist/app/manifests/v1'],
  ['DELETE', '/v2/mnist/app/manifests/v1'],
  ['DELETE', `/v2/mnist/app/blobs/${D}`],
]

test('the registry says that it is one, and answers below /v2 with and without a slash', async t => {
  const { call } = await openRegistry(t)

  for (const path of ['/v2/', '/v2']) {
    const answer = await call('GET', path)
    assert.deepEqual([answer.statusCode, answer.json()], [200, {}])
    assert.equal(answer.headers['docker-distribution-api-version'], 'registry/2.0')
  }
})

test('a caller without a token is asked for one, whatever the method and path', async t => {
  const { call } = await openRegistry(t, SHARED)
  const calls: [string, string][] = [
    ...READS.flatMap((path): [string, string][] => [
      ['GET', path],
      ['HEAD', path],
    ]),
    ...WRITES,
    ['GET', '/v2/no/such/thing'],
    ['OPTIONS', '/v2/'],
  ]

  for (const [method, path] of calls) {
    const answer = await call(method, path)
    assert.equal(answer.statusCode, 401, `${method} ${path}`)
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="kaos"')
    assert.equal(answer.headers['docker-distribution-api-version'], 'registry/2.0')
    if (method !== 'HEAD') assert.equal(codeOf(answer), 'UNAUTHORIZED')
  }
})

test('a token opens the registry as a password and as a bearer, a wrong one does not', async t => {
  const { call, tokenOf } = await openRegistry(t, SHARED)
  const token = await tokenOf('viewer')

  for (const authorization of [basic('any', token), basic('', token), `Bearer ${token}`]) {
    assert.equal((await call('GET', '/v2/', { headers: { authorization } })).statusCode, 200)
  }
  for (const authorization of [
    basic(token, 'x'),
    basic('any', 'kaos_no'),
    'Bearer no',
    'Basic !',
  ]) {
    const answer = await call('GET', '/v2/', { headers: { authorization } })
    assert.deepEqual([answer.statusCode, codeOf(answer)], [401, 'UNAUTHORIZED'])
  }
})

test('even on a server without tokens wrong credentials are refused', async t => {
  const { call } = await openRegistry(t)

  const answer = await call('GET', '/v2/', { headers: { authorization: basic('me', 'guess') } })

  assert.equal(answer.statusCode, 401)
})

test('who may read pulls, who may write pushes, and others do neither', async t => {
  const registry = await openRegistry(t, SHARED)
  const { call, tokenOf } = registry

  for (const role of Object.keys(ROLES) as Role[]) {
    const headers = { authorization: basic('x', await tokenOf(role)) }
    const holds = ROLES[role] as readonly string[]
    const may = holds.includes('write')
    for (const path of READS) {
      const answer = await call('GET', path, { headers })
      assert.notEqual(answer.statusCode, 401)
      assert.equal(answer.statusCode !== 403, holds.includes('read'), `${role} GET ${path}`)
    }
    for (const [method, path] of WRITES) {
      const answer = await call(method, path, { headers })
      assert.equal(answer.statusCode !== 403, may, `${role} ${method} ${path}`)
      if (!may) assert.equal(codeOf(answer), 'DENIED')
    }
  }
})

test("an upload is its own actor's", async t => {
  const { call, tokenOf } = await openRegistry(t, SHARED)
  const ann = { authorization: basic('ann', await tokenOf('maintainer')) }
  const bob = { authorization: basic('bob', await tokenOf('maintainer')) }
  await makeWorkspace({ call }, 'mnist', ann)
  const begun = await call('POST', '/v2/mnist/app/blobs/uploads/', { headers: ann })

  const other = await call('GET', String(begun.headers.location), { headers: bob })

  assert.deepEqual([other.statusCode, codeOf(other)], [404, 'BLOB_UPLOAD_UNKNOWN'])
})

test('a workspace that is not there is told with how to make it', async t => {
  const { call } = await openRegistry(t)

  for (const [method, path] of [
    ['GET', '/v2/nowhere/app/tags/list'],
    ['POST', '/v2/nowhere/app/blobs/uploads/'],
    ['PUT', '/v2/nowhere/app/manifests/v1'],
  ] as const) {
    const answer = await call(method, path)
    assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'NAME_UNKNOWN'])
    assert.match(answer.json().errors[0].message, /kaos workspace create -n nowhere/)
  }
})

test('names that cannot be are refused, and nothing is found by going around', async t => {
  const { call, image } = await openRegistry(t)
  const { digest } = await image('mnist/app', 'v1')
  const paths = [
    '/v2/app/tags/list',
    '/v2/mnist/App/tags/list',
    '/v2/mnist/-x/tags/list',
    '/v2/mnist/a..b/tags/list',
    '/v2/mnist//app/tags/list',
    '/v2/mnist/other/..%2fapp/tags/list',
    '/v2/mnist/%2e%2e/app/tags/list',
    `/v2/mnist/app%2fmanifests/blobs/${digest}`,
    '/v2/mnist/app%00/tags/list',
    '/v2/mnist/%ff/tags/list',
    `/v2/mnist/${'a'.repeat(200)}/tags/list`,
    `/v2/%6dnist%2Fapp/manifests/v1`,
  ]

  for (const path of paths) {
    const answer = await call('GET', path)
    assert.ok([400, 404].includes(answer.statusCode), `${answer.statusCode} ${path}`)
    assert.ok(codeOf(answer), path)
  }
  assert.equal((await call('GET', '/v2/mnist/%61pp/manifests/v1')).statusCode, 200)
})

test('names may hold the words that separate them from the rest', async t => {
  const { image, call } = await openRegistry(t)
  const name = 'mnist/blobs/uploads/manifests/tags/list'
  const { digest } = await image(name, 'v1')

  const answers = await Promise.all([
    call('GET', `/v2/${name}/tags/list`),
    call('GET', `/v2/${name}/manifests/v1`),
    call('GET', `/v2/${name}/referrers/${digest}`),
  ])

  assert.deepEqual(
    answers.map(answer => answer.statusCode),
    [200, 200, 200],
  )
})

test('a method that means nothing is refused as such', async t => {
  const { call } = await openRegistry(t)

  for (const [method, path] of [
    ['PUT', '/v2/'],
    ['POST', '/v2/_catalog'],
    ['PATCH', '/v2/mnist/app/manifests/v1'],
    ['PUT', `/v2/mnist/app/blobs/${D}`],
  ] as const) {
    const answer = await call(method, path)
    assert.deepEqual([answer.statusCode, codeOf(answer)], [405, 'UNSUPPORTED'])
  }
})

test('an error never shows what is inside', async (t: TestContext) => {
  const { call, parts, image } = await openRegistry(t)
  await image('mnist/app', 'v1')
  const { ledger } = parts
  t.mock.method(ledger, 'pointers', async () => {
    throw new Error('SELECT secret FROM /var/lib/kaos')
  })

  const answer = await call('GET', '/v2/mnist/app/tags/list')

  assert.deepEqual([answer.statusCode, codeOf(answer)], [500, 'UNKNOWN'])
  assert.doesNotMatch(answer.body, /SELECT|var/)
})

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
