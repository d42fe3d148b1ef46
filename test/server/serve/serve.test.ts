import assert from 'node:assert/strict'
import test from 'node:test'
import type { WorkOrder } from '../../../api/attempts.ts'
import type { Artifact, EndpointView, ServeAccepted, ServeList } from '../../../api/wire.ts'
import { openScripted, type Scripted, SERVE } from '../jobs/scripted.ts'

const ADDRESS = { host: '127.0.0.1', port: 4711 }

/** A model, and a source to serve it with. */
async function trained(server: Scripted): Promise<{ source: string; model: string }> {
  const { job } = await server.firstTraining()
  await server.build()
  await server.trial()
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  const view = await server.job(job!.jobId)
  return { source: source.id, model: view.models[0]!.modelId! }
}

function serve(server: Scripted, body: object): Promise<ServeAccepted> {
  return server.ask('POST', '/workspaces/mnist/serve', body)
}

function list(server: Scripted): Promise<ServeList> {
  return server.ask('GET', '/workspaces/mnist/serve')
}

function endpoint(server: Scripted, name: string): Promise<EndpointView> {
  return server.ask('GET', `/workspaces/mnist/serve/endpoints/${name}`)
}

async function running(server: Scripted): Promise<WorkOrder> {
  const order = await server.claimed(['service'])
  await server.renew(order, 'serving', { address: ADDRESS })
  return order
}

test('an endpoint goes from its source and a model to an address', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)

  const accepted = await serve(server, { source, model: model.slice(-6) })
  const { name } = accepted.endpoint
  const whileBuilding = await list(server)
  const build = await server.build()
  const built = await endpoint(server, name)
  const unready = server.test.jobs!.route(name)
  const order = await running(server)

  assert.match(name, /^serve-mnist-[0-9a-f]{6}$/)
  assert.equal(accepted.model, model)
  assert.match(accepted.source, /^\/mnist:[0-9a-f]{5}$/)
  assert.deepEqual(
    [whileBuilding.building[0]?.jobId, whileBuilding.running],
    [accepted.build.jobId, []],
  )
  assert.ok(build.work.kind === 'build' && order.work.kind === 'service')
  assert.equal(build.work.purpose, 'serve')
  assert.match(build.work.image, /^build-serve-mnist:[0-9a-f]{5}$/)
  assert.equal(built.state, 'PIPELINE_STARTING')
  assert.equal(unready?.address, undefined)
  assert.equal(order.work.endpoint, name)
  const { building, running: endpoints } = await list(server)
  assert.deepEqual(building, [])
  assert.equal(endpoints[0]?.state, 'PIPELINE_RUNNING')
  assert.match(endpoints[0]?.url ?? '', new RegExp(`^[^/]+/${name}/invocations$`))
  const route = server.test.jobs!.route(name)
  assert.deepEqual(route?.address, ADDRESS)
  assert.equal(route?.revision, endpoints[0]?.revision)
  assert.match(route?.model ?? '', /^sha256:/)
})

test('the source that is built has the model beside the program, and can be fetched', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)
  const { endpoint: made } = await serve(server, { source, model })
  const build = await server.claimed(['build'])
  assert.ok(build.work.kind === 'build')

  const headers = { authorization: `Bearer ${build.token}` }
  const program = `/attempts/${build.attempt}/trees/${build.work.program}`
  const frames = await server.call('GET', program, undefined, headers)
  const url = `/workspaces/mnist/serve/endpoints/${made.name}/artifacts`
  const { code } = await server.ask<{ code: Artifact }>('GET', url)
  const content = `/workspaces/mnist/entities/${code.entity}/content`
  const fetched = await server.call('GET', content)

  assert.ok(frames.rawPayload.includes('model.pkl'))
  assert.ok(frames.rawPayload.includes('serve'))
  assert.equal(code.tree, build.work.source)
  assert.equal(`/${code.name}`, made.code)
  assert.equal(code.files, 3)
  assert.equal(fetched.statusCode, 200)
})

test('an endpoint without a model has its code and its history as well', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  const { endpoint: made } = await serve(server, { source: source.name })
  const early = await server.call(
    'GET',
    `/workspaces/mnist/serve/endpoints/${made.name}/provenance`,
  )
  await server.build()

  const url = `/workspaces/mnist/serve/endpoints/${made.name}`
  const { code } = await server.ask<{ code: Artifact }>('GET', `${url}/artifacts`)
  const dot = await server.call('GET', `${url}/provenance?format=dot`)

  assert.equal(early.json().code, 'JOB_RUNNING')
  assert.equal(made.modelId, null)
  assert.equal(code.entity, source.id)
  assert.equal(dot.statusCode, 200)
  assert.match(dot.body, new RegExp(made.name))
})

test('an unknown model, a model that is none and too many resources are refused', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)

  const answers = []
  for (const body of [
    { source, model: 'ffffff_' },
    { source, model: '@oldest' },
    { source: 'mnist:00000', model },
    { source, model, resources: { cpu: 1000 } },
  ]) {
    answers.push((await server.call('POST', '/workspaces/mnist/serve', body)).json().code)
  }

  assert.deepEqual(answers, [
    'MODEL_NOT_FOUND',
    'MODEL_NOT_FOUND',
    'BUNDLE_NOT_FOUND',
    'CPU_REQUEST_ERROR',
  ])
})

test('the same model served twice is built once and has two endpoints, newest first', async t => {
  const server = await openScripted(t)
  const { source } = await trained(server)
  const first = await serve(server, { source, model: '@latest' })
  await server.build()

  const second = await serve(server, { source, model: '@latest' })

  assert.equal(second.build.jobId, first.build.jobId)
  assert.equal(await server.claim(['build']), undefined)
  assert.deepEqual(
    (await list(server)).running.map(one => one.name),
    [second.endpoint.name, first.endpoint.name],
  )
  const latest = await endpoint(server, '@latest')
  const part = await endpoint(server, first.endpoint.name.slice(-6))
  const several = await server.call('GET', '/workspaces/mnist/serve/endpoints/serve-mnist')
  assert.equal(latest.name, second.endpoint.name)
  assert.equal(part.name, first.endpoint.name)
  assert.equal(several.json().code, 'AMBIGUOUS')
})

test('a failed build leaves no endpoint in the list, but says what happened', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)
  const { endpoint: made } = await serve(server, { source, model })
  const build = await server.claimed(['build'])

  await server.report(build, { state: 'failed', reason: 'no such base image' })

  const { building, running: endpoints } = await list(server)
  assert.deepEqual(endpoints, [])
  assert.deepEqual([building[0]?.state, building[0]?.reason], ['JOB_FAILURE', 'no such base image'])
  const view = await endpoint(server, made.name)
  assert.equal(view.state, 'PIPELINE_FAILURE')
  assert.match(view.reason ?? '', new RegExp(`kaos serve build-logs -j ${build.job}`))
  assert.equal(server.test.jobs!.route(made.name), undefined)
})

test('a service that restarts or is lost loses its address until it is back', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)
  const { endpoint: made } = await serve(server, { source, model })
  await server.build()
  let order = await running(server)
  const states: string[] = []
  const look = async () => {
    const { state, address } = server.test.jobs!.route(made.name)!
    states.push(`${state} ${address === undefined ? 'nowhere' : 'open'}`)
  }

  await look()
  await server.renew(order, 'restarting')
  await look()
  await server.renew(order, 'serving', { address: ADDRESS })
  await look()
  for (let times = 0; times < 5; times++) {
    await server.report(order, { state: 'lost', reason: 'the worker ended' })
    await look()
    order = await running(server)
  }

  assert.deepEqual(states, [
    'PIPELINE_RUNNING open',
    'PIPELINE_RESTARTING nowhere',
    'PIPELINE_RUNNING open',
    ...Array(5).fill('PIPELINE_RESTARTING nowhere'),
  ])
  assert.equal(order.number, 6)
  assert.equal((await endpoint(server, made.name)).state, 'PIPELINE_RUNNING')
})

test('a service that fails stays in the list with its reason and its log', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)
  const { endpoint: made } = await serve(server, { source, model })
  await server.build()
  const order = await server.claimed(['service'])
  await server.writeLog(order, 0, 'ModuleNotFoundError\n')

  await server.report(order, { state: 'failed', reason: 'it never answered HTTP' })

  const view = (await list(server)).running[0]
  const url = `/workspaces/mnist/serve/endpoints/${made.name}/logs`
  assert.deepEqual([view?.state, view?.reason], ['PIPELINE_FAILURE', 'it never answered HTTP'])
  assert.equal((await server.call('GET', url)).body, 'ModuleNotFoundError\n')
  assert.equal((await server.call('GET', `${url}?follow=true`)).body, 'ModuleNotFoundError\n')
  assert.equal(await server.claim(['service']), undefined)
})

test('a killed endpoint is gone from the list and the route, and its record stays', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)
  const { endpoint: made } = await serve(server, { source, model })
  await server.build()
  const order = await running(server)
  await server.writeLog(order, 0, 'served\n')

  const url = `/workspaces/mnist/serve/endpoints/${made.name}`
  const killed = await server.ask<EndpointView>('POST', `${url}/kill`, { reason: 'old' })
  const lease = (await server.renew(order, 'serving', { address: ADDRESS })).json()
  const report = await server.report(order, { state: 'stopped' })
  const again = await server.call('POST', `${url}/kill`)

  assert.deepEqual([killed.state, killed.reason], ['PIPELINE_KILLED', 'old'])
  assert.equal(lease.stop, true)
  assert.equal(report.statusCode, 200)
  assert.deepEqual((await list(server)).running, [])
  assert.equal(server.test.jobs!.route(made.name), undefined)
  assert.equal((await endpoint(server, made.name)).state, 'PIPELINE_KILLED')
  assert.equal((await server.call('GET', `${url}/logs`)).body, 'served\n')
  assert.equal((await server.call('GET', `${url}/provenance?format=dot`)).statusCode, 200)
  assert.equal(again.json().code, 'JOB_NOT_RUNNING')
})

test('killing an endpoint while it is built ends the build that nobody else waits for', async t => {
  const server = await openScripted(t)
  const { source, model } = await trained(server)
  const one = await serve(server, { source, model })
  const two = await serve(server, { source, model })
  const kill = (name: string) => `/workspaces/mnist/serve/endpoints/${name}/kill`

  await server.ask('POST', kill(one.endpoint.name))
  const shared = await server.job(one.build.jobId)
  await server.ask('POST', kill(two.endpoint.name))
  const alone = await server.job(one.build.jobId)

  assert.equal(shared.job.state, 'JOB_STARTING')
  assert.equal(alone.job.state, 'JOB_KILLED')
  assert.equal(await server.claim(['build', 'service']), undefined)
})
