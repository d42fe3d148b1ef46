import assert from 'node:assert/strict'
import test from 'node:test'
import { openScripted, type Scripted } from '../jobs/scripted.ts'
import { type Kit, packKit } from '../kits/kit.ts'

const KIT = packKit({
  package: { name: 'chat' },
  layers: [
    { kind: 'model', path: 'weights', name: 'chat', files: { 'model.bin': 'weights' } },
    { kind: 'dataset', path: 'data', name: 'customers', files: { 'c.csv': 'Jo,1\n' } },
  ],
})
const TYPE = 'application/vnd.oci.image.manifest.v1+json'

/** As kit does it. */
async function push(server: Scripted, repository: string, tag: string, kit: Kit) {
  const { app } = server.test
  for (const [digest, bytes] of kit.blobs) {
    await app.inject({
      method: 'POST',
      url: `/v2/mnist/${repository}/blobs/uploads/?digest=${digest}`,
      headers: { 'content-type': 'application/octet-stream', 'content-length': bytes.length },
      payload: bytes,
    })
  }
  return app.inject({
    method: 'PUT',
    url: `/v2/mnist/${repository}/manifests/${tag}`,
    headers: { 'content-type': TYPE },
    payload: kit.manifest,
  })
}

test('whoever puts a kit into quarantine means what is in it, and no tag brings it back', async t => {
  const server = await openScripted(t)
  await server.workspace()
  assert.equal((await push(server, 'chat', 'v1', KIT)).statusCode, 201)
  const body = { id: 'kit://chat:v1', reason: 'no consent' }

  const { quarantine } = await server.ask<{ quarantine: { digests: string[] } }>(
    'POST',
    '/workspaces/mnist/quarantine',
    body,
  )
  const again = await push(server, 'other', 'v1', KIT)
  const tagged = await server.call('POST', '/workspaces/mnist/repositories/best/tags', {
    reference: 'kit://chat:v1#customers',
    tags: ['good'],
  })

  assert.equal(quarantine.digests.length, 3)
  assert.equal(again.statusCode, 409)
  assert.equal(again.json().errors[0].code, 'DENIED')
  assert.match(again.json().errors[0].message, /quarantined by tester.*no consent/)
  assert.deepEqual([tagged.statusCode, tagged.json().code], [409, 'QUARANTINED'])
})

test('a kit that holds one quarantined part is refused for that part', async t => {
  const server = await openScripted(t)
  await server.workspace()
  await push(server, 'chat', 'v1', KIT)
  const body = { id: 'kit://chat:v1#customers', reason: 'no consent' }
  await server.ask('POST', '/workspaces/mnist/quarantine', body)
  const layers = [
    { kind: 'model', path: 'weights', name: 'chat', files: { 'model.bin': 'other weights' } },
    { kind: 'dataset', path: 'data', name: 'customers', files: { 'c.csv': 'Jo,1\n' } },
  ] as const

  const whole = await push(server, 'other', 'v1', packKit({ layers }))
  const without = await push(server, 'safe', 'v1', packKit({ layers: [layers[0]] }))

  assert.deepEqual([whole.statusCode, without.statusCode], [409, 201])
})
