import assert from 'node:assert/strict'
import test from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { frameHeader } from '../../api/transfer/protocol.ts'
import { openTestApp } from './open.ts'
import { channelTo, openUpload, post } from './sending.ts'

test('an upload that was ended is forgotten with what was sent under it', async t => {
  const { listen, parts } = await openTestApp(t)
  const base = await listen()
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })
  const upload = await openUpload(base, 'mnist')
  const bytes = Buffer.from('bytes')
  await channelTo(base, 'mnist', upload).objects([frameHeader(5), bytes])
  const notes = () => parts.ledger.records(`sent/${upload}/`)
  const url = `${base}/api/v1/workspaces/mnist/uploads/${upload}`
  const before = await notes()

  const ended = await fetch(url, { method: 'DELETE' })
  const again = await fetch(url, { method: 'DELETE' })
  const headers = { 'content-type': 'application/octet-stream' }
  const asked = await fetch(`${url}/have`, { method: 'POST', headers, body: Buffer.alloc(32) })

  assert.equal(before.length, 1)
  assert.deepEqual(await notes(), [])
  assert.deepEqual([ended.status, again.status, asked.status], [204, 204, 404])
  assert.deepEqual(await parts.store.has([digestOf(bytes)]), [true])
})

test('nobody ends the upload of another', async t => {
  const { listen, parts, tokenOf } = await openTestApp(t, { settings: { local: false } })
  const base = await listen()
  const headersOf = async () => ({ authorization: `Bearer ${await tokenOf('owner')}` })
  const [owner, other] = [await headersOf(), await headersOf()]
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' }, owner)
  const upload = await openUpload(base, 'mnist', owner)
  const channel = channelTo(base, 'mnist', upload, owner)
  await channel.objects([frameHeader(5), Buffer.from('bytes')])

  const url = `${base}/api/v1/workspaces/mnist/uploads/${upload}`
  await fetch(url, { method: 'DELETE', headers: other })

  assert.deepEqual(await channel.have([digestOf('bytes')]), [true])
  assert.equal((await parts.ledger.records(`sent/${upload}/`)).length, 1)
})
