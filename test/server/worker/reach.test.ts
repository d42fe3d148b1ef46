import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import type { WorkOrder } from '../../../api/attempts.ts'
import type { ServeList } from '../../../api/wire.ts'
import { openForwarder } from '../../../runners/worker/forwarder.ts'
import { openScripted, type Scripted, SERVE } from '../jobs/scripted.ts'
import { atEnd } from '../open.ts'
import { enrol, workerWith } from './workers.ts'

const ALONE = { settings: { worker: false } }
const HERE = 'http://127.0.0.1:4711'

async function endpointToServe(server: Scripted): Promise<void> {
  await server.workspace()
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  await server.ask('POST', '/workspaces/mnist/serve', { source: source.id })
  await server.build()
}

async function nameOf(server: Scripted): Promise<string> {
  const list = await server.ask<ServeList>('GET', '/workspaces/mnist/serve')
  return list.running[0]!.name
}

/** A service behind the forwarder of a worker, as that worker would open it. */
async function served(t: TestContext, { attempt, secret }: WorkOrder, port: number) {
  const service = createServer((asked, response) => response.end(`served ${asked.url}`))
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const url = (taken: number) => `http://127.0.0.1:${taken}`
  const forwarder = await openForwarder({ host: '127.0.0.1', port, url })
  atEnd(t, () => {
    forwarder.close()
    service.closeAllConnections()
    service.close()
  })
  const address = service.address() as AddressInfo
  forwarder.open(attempt, secret!, { host: '127.0.0.1', port: address.port })
}

/** One that nobody has just now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise(resolve => probe.close(resolve))
  return port
}

test('an endpoint on another host answers through the forwarder of its worker', async t => {
  const server = await openScripted(t, ALONE)
  const url = await server.test.listen()
  await endpointToServe(server)
  const port = await freePort()
  const forwarder = `http://127.0.0.1:${port}`
  const worker = await enrol(server, 'gpu1', { forwarder: { url: forwarder } })
  const order = await worker.claim(['service'])
  await served(t, order!, port)
  const renewed = await server.renew(order!, 'serving', { address: { forwarder } })

  const answer = await fetch(`${url}/${await nameOf(server)}/invocations`)

  assert.equal(renewed.statusCode, 200, renewed.body)
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), 'served /invocations')
})

test('each attempt at a service has a secret of its own, which the ledger does not hold', async t => {
  const server = await openScripted(t, ALONE)
  await endpointToServe(server)
  const worker = await enrol(server, 'gpu1', { forwarder: { url: HERE } })
  const first = await worker.claim(['service'])
  await server.report(first!, { state: 'lost' })

  const second = await worker.claim(['service'])
  const { ledger } = server.test.parts
  const records = JSON.stringify(await ledger.records('', { limit: 10_000 }))

  assert.ok(first?.secret && second?.secret && first.secret !== second.secret)
  assert.ok(!records.includes(second.secret))
})

test('an enrolled worker cannot make the server call what it likes', async t => {
  const server = await openScripted(t, ALONE)
  await endpointToServe(server)
  const worker = await enrol(server, 'gpu1', { forwarder: { url: HERE } })
  const order = await worker.claim(['service'])

  const tried = []
  for (const address of [
    { host: '169.254.169.254', port: 80 },
    { socket: '/var/run/docker.sock' },
    { forwarder: 'http://10.0.0.1:80' },
  ]) {
    tried.push((await server.renew(order!, 'serving', { address })).json().code)
  }
  const route = server.test.jobs!.route(await nameOf(server))

  assert.deepEqual(tried, ['CONFLICT', 'CONFLICT', 'CONFLICT'])
  assert.equal(route?.address, undefined)
})

test('a forwarder is accepted where its worker calls from, and nowhere else', async t => {
  const server = await openScripted(t, ALONE)
  const { token } = await enrol(server, 'gpu1')
  const ask = async (url: string) =>
    (await workerWith(server, 'gpu1', token, { forwarder: { url } }).call([])).statusCode

  assert.equal(await ask('http://127.0.0.1:8090'), 204)
  assert.equal(await ask('http://localhost:8090'), 204)
  assert.equal(await ask('http://192.0.2.1:8090'), 400)
  assert.equal(await ask('http://nowhere.invalid:8090'), 400)
  assert.equal(await ask('http://127.0.0.1:8090/path'), 400)
})

test('an address that an administrator named is the only one', async t => {
  const server = await openScripted(t, ALONE)
  const address = 'https://gpu1.invalid:8090'
  const { token } = await enrol(server, 'gpu1', {}, { address })
  const ask = (url: string) => workerWith(server, 'gpu1', token, { forwarder: { url } }).call([])

  const named = await ask(address)
  const other = await ask('http://127.0.0.1:8090')

  assert.equal(named.statusCode, 204)
  assert.match(other.json().detail, /reached at https:\/\/gpu1\.invalid:8090 and nowhere else/)
})

test('behind a proxy nobody knows where a worker calls from, so an administrator has to say', async t => {
  const server = await openScripted(t, { settings: { worker: false, behindProxy: true } })
  const { token } = await enrol(server, 'gpu1')

  const refused = await workerWith(server, 'gpu1', token, { forwarder: { url: HERE } }).call([])

  assert.equal(refused.statusCode, 400)
  assert.match(refused.json().detail, /kaos admin worker token gpu1 --address/)
})
