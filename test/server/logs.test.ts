import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { LOG_LEVELS } from '../../api/log-line.ts'
import { openLog } from '../../server/system/log.ts'
import { workerLog } from '../../server/worker/log.ts'
import { openTestApp, tempFolder, testSettings } from './open.ts'

interface Line {
  time: string
  level: string
  message: string
  [member: string]: unknown
}

/** Every line, which has to be an object of its own. */
function linesOf(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

test('each line of the log is one JSON object that says when, how bad, what, and which request', async t => {
  const { app, folder, parts } = await openTestApp(t)
  await app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name: 'mnist' } })
  const headers = { 'x-request-id': 'mine-1' }

  const answer = await app.inject({ url: '/api/v1/workspaces/mnist/jobs/none', headers })
  parts.log('warn', 'a room speaks', { job: 'j1' })

  const lines = linesOf(join(folder, 'logs', 'server.log'))
  for (const { time, level, message } of lines) {
    assert.equal(new Date(time).toISOString(), time)
    assert.ok(LOG_LEVELS.some(one => one === level))
    assert.ok(message.length > 0)
  }
  const mine = lines.find(({ requestId }) => requestId === 'mine-1')
  assert.equal(answer.headers['x-request-id'], 'mine-1')
  assert.equal(answer.json().requestId, 'mine-1')
  assert.equal(mine?.workspace, 'mnist')
  assert.equal(mine?.job, 'none')
  assert.equal(mine?.actor, parts.people.local.id)
  assert.equal(mine?.status, 404)
  assert.ok(lines.some(({ message, job }) => message === 'a room speaks' && job === 'j1'))
})

test('a foreign request id that could break a line is not taken', async t => {
  const { app, folder } = await openTestApp(t)

  for (const id of ['a b', 'x'.repeat(65), '"}', 'ü']) {
    const answer = await app.inject({ url: '/api/v1/server', headers: { 'x-request-id': id } })
    assert.notEqual(answer.headers['x-request-id'], id)
  }
  assert.equal(linesOf(join(folder, 'logs', 'server.log')).length, 4)
})

test('only what is as bad as was asked for is written, and probes only for who looks closely', async t => {
  const logging = { level: 'warn', to: 'file' } as const
  const quiet = await openTestApp(t, { settings: { logging } })
  const usual = await openTestApp(t)
  const close = await openTestApp(t, { settings: { logging: { ...logging, level: 'debug' } } })
  const file = ({ folder }: typeof quiet) => join(folder, 'logs', 'server.log')

  for (const { app } of [quiet, usual, close]) {
    await app.inject('/healthz')
    await app.inject('/api/v1/server')
  }
  quiet.parts.log('info', 'nobody reads this')
  quiet.parts.log('warn', 'somebody should')

  assert.deepEqual(
    linesOf(file(quiet)).map(({ message }) => message),
    ['somebody should'],
  )
  assert.deepEqual(
    linesOf(file(usual)).map(({ url }) => url),
    ['/api/v1/server'],
  )
  assert.deepEqual(
    linesOf(file(close)).map(({ url }) => url),
    ['/healthz', '/api/v1/server'],
  )
})

test('a log that has grown large is put aside', async t => {
  const folder = await tempFolder(t)
  const file = join(folder, 'server.log')
  writeFileSync(file, Buffer.alloc(33 * 1024 * 1024, 'x'))
  const { log } = openLog({ file, level: 'info', to: 'file', tell: () => {} })

  log('info', 'first')

  assert.equal(linesOf(file).length, 1)
  assert.equal(statSync(`${file}.1`).size, 33 * 1024 * 1024)
})

test('the log of the worker is bounded while it runs, and its last words are found', async t => {
  const folder = await tempFolder(t)
  await mkdir(join(folder, 'logs'))
  const own = workerLog(testSettings(folder), 1000)
  t.after(() => own.close())

  own.opened(descriptor => {
    appendFileSync(descriptor, 'x'.repeat(2000))
    own.bound()
    appendFileSync(descriptor, '{"time":"","level":"error","message":"no engine"}\n')
  })

  assert.equal(own.lastWords(), 'no engine')
  assert.ok(statSync(own.file).size < 1000)
  assert.equal(statSync(`${own.file}.1`).size, 2000)
})
