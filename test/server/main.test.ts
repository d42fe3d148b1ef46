import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate } from 'selfsigned'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { atEnd, tempFolder } from './open.ts'
import { post } from './sending.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'server', 'main.ts')

type Child = ChildProcessByStdio<null, Readable, Readable>

interface Options {
  args?: string[]
  env?: Record<string, string>
}

function launch(t: TestContext, data: string, { args = [], env = {} }: Options = {}): Child {
  const child = spawn(process.execPath, [MAIN, '--port', '0', '--data', data, ...args], {
    env: { ...process.env, KAOS_RUNNER: 'process', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(t, async () => {
    if (child.exitCode === null && child.signalCode === null) await stop(child)
  })
  return child
}

/** Whether there is such a process, and not only its exit code that nobody has asked for. */
function runs(pid: string): boolean {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s+Z/m.test(readFileSync(status, 'utf8'))
}

/** kill -9, and waits until the worker has noticed and is gone as well. */
async function kill(child: Child): Promise<void> {
  const { pid } = child
  const workers = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).match(/\d+/g) ?? []
  child.kill('SIGKILL')
  await once(child, 'exit')
  for (const worker of workers) while (runs(worker)) await sleep(20)
}

/** A server that runs; answers the URL of its "ready" line and what it printed until then. */
async function start(t: TestContext, data: string, options?: Options) {
  const child = launch(t, data, options)
  let printed = ''
  for await (const piece of child.stdout) {
    printed += piece
    if (printed.includes('Connect with')) break
  }
  const url = /kaos is ready at (\S+)/.exec(printed)?.[1]
  if (url === undefined) assert.fail(printed + (await text(child.stderr)))
  return { child, url, printed }
}

/** A server that refuses to run. */
async function refusal(t: TestContext, data: string, options?: Options) {
  const child = launch(t, data, options)
  const [message, , [code]] = await Promise.all([
    text(child.stderr),
    text(child.stdout),
    once(child, 'close'),
  ])
  return { message, code }
}

async function stop(child: Child): Promise<number | null> {
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code
}

test('a server says what it runs on, answers, and ends in order', async t => {
  const data = await tempFolder(t)

  const { child, url, printed } = await start(t, data)
  const ready = await fetch(`${url}/readyz`)
  const made = await post(`${url}/api/v1/workspaces`, { name: 'mnist' })
  const code = await stop(child)

  assert.match(printed, /ledger: *SQLite file .*ledger\.sqlite\n/)
  assert.match(printed, /runner: *process\n/)
  assert.match(printed, /no isolation/)
  assert.match(printed, /Connect with: kaos init -e http:\/\/127\.0\.0\.1:\d+\n/)
  assert.ok(ready.status === 200 || ready.status === 503)
  assert.equal(made.status, 201)
  assert.equal(code, 0)
})

test('what was acknowledged is there after a kill -9', async t => {
  const data = await tempFolder(t)
  const first = await start(t, data)
  await post(`${first.url}/api/v1/workspaces`, { name: 'mnist' })
  await kill(first.child)

  const second = await start(t, data)
  const answer = await fetch(`${second.url}/api/v1/workspaces/mnist`)

  assert.equal(answer.status, 200)
  assert.equal(await stop(second.child), 0)
})

test('a data folder belongs to one live server', async t => {
  const data = await tempFolder(t)
  const first = await start(t, data)

  const second = await refusal(t, data)

  assert.equal(second.code, 1)
  assert.match(second.message, new RegExp(`^Error - the data folder ${data} is in use by`))
  assert.match(second.message, new RegExp(`pid ${first.child.pid};`))
  assert.equal(second.message.trim().split('\n').length, 1)
})

test('ledger and store of different installations do not work together', async t => {
  const data = await tempFolder(t)
  const first = await start(t, data)
  await stop(first.child)
  await rm(join(data, 'store'), { recursive: true })

  const second = await refusal(t, data)

  assert.equal(second.code, 2)
  assert.match(second.message, /^Error - the ledger belongs to the store [0-9a-f]{32}/)
})

test('an address that others reach is refused without TLS, and without an administrator', async t => {
  const data = await tempFolder(t)
  const secret = join(data, 'secret.key')
  await writeFile(secret, '0'.repeat(64))
  const env = { KAOS_ALLOW_PROCESS_RUNNER: '1', KAOS_SECRET_KEY_FILE: secret }

  const open = await refusal(t, data, { args: ['--host', '0.0.0.0'], env })
  const proxied = await refusal(t, data, { args: ['--behind-proxy'], env })

  assert.equal(open.code, 2)
  assert.match(open.message, /--tls-cert/)
  assert.equal(proxied.code, 2)
  assert.match(proxied.message, /kaos admin token create --user NAME/)
})

test('with TLS and an administrator the server serves others, and its own worker', async t => {
  const data = await tempFolder(t)
  const local = await start(t, data)
  await post(`${local.url}/api/v1/admin/users`, { name: 'jf', role: 'administrator' })
  const made = await post(`${local.url}/api/v1/admin/tokens`, { user: 'jf' })
  const { token } = (await made.json()) as { token: string }
  await stop(local.child)
  const [cert, key] = [join(data, 'cert.pem'), join(data, 'key.pem')]
  const pair = await generate([{ name: 'commonName', value: 'kaos.example' }])
  await writeFile(cert, pair.cert)
  await writeFile(key, pair.private)

  const shared = await start(t, data, {
    args: ['--host', '0.0.0.0', '--tls-cert', cert, '--tls-key', key],
    env: { KAOS_ALLOW_PROCESS_RUNNER: '1', KAOS_SECRET_KEY_FILE: join(data, 'secret.key') },
  })
  const port = new URL(shared.url).port
  const status = async (headers: Record<string, string>) => {
    const options = { host: '127.0.0.1', port, path: '/api/v1/workspaces', headers }
    const call = request({ ...options, rejectUnauthorized: false, agent: false }).end()
    const [answer] = await once(call, 'response')
    answer.resume()
    return answer.statusCode
  }

  assert.match(shared.url, /^https:/)
  assert.equal(await status({}), 401)
  assert.equal(await status({ authorization: `Bearer ${token}` }), 200)
  assert.equal(await stop(shared.child), 0)
  const log = await readFile(join(data, 'logs', 'server.log'), 'utf8')
  assert.ok(!log.includes(token))
})

test('a port in use is told in one line', async t => {
  const first = await start(t, await tempFolder(t))
  const { port } = new URL(first.url)

  const second = await refusal(t, await tempFolder(t), { args: ['--port', port] })

  assert.match(second.message, /^Error - the address 127\.0\.0\.1:\d+ is in use;/)
  assert.equal(second.message.trim().split('\n').length, 1)
})

test('the first start tells who made the installation, and a second adds nothing', async t => {
  const data = await tempFolder(t)
  for (let i = 0; i < 2; i++) await stop((await start(t, data)).child)

  const ledger = await openSqliteLedger(join(data, 'ledger.sqlite'))
  atEnd(t, () => ledger.close())
  const types = (await ledger.log(0, 100)).map(entry => JSON.parse(entry.payload ?? '{}').type)

  assert.equal(types.filter(type => type === 'installation.created').length, 1)
  assert.equal(types.filter(type => type === 'agent.created').length, 3)
})
