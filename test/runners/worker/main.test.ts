import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ScriptedServer } from './scripted-server.ts'

const MAIN = new URL('../../../runners/main.ts', import.meta.url).pathname

async function startMain(t: TestContext, env: Record<string, string>) {
  const data = await mkdtemp(join(tmpdir(), 'kaos-main-'))
  const { HOME = '', PATH = '' } = process.env
  const child = spawn(process.execPath, [MAIN], {
    env: { HOME, PATH, KAOS_DATA: data, ...env },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const ended = once(child, 'close')
  let said = ''
  child.stderr.on('data', bytes => {
    said += bytes
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
    await rm(data, { recursive: true, force: true })
  })
  const words = (line: string) => (line.startsWith('{') ? JSON.parse(line).message : line)
  return { child, ended, said: () => said.split('\n').map(words).join('\n') }
}

for (const way of ['its stdin closes', 'it is told to by SIGTERM'] as const) {
  test(`the worker claims work with its token and ends when ${way}`, async t => {
    const server = new ScriptedServer()
    await server.open()
    t.after(() => server.close())
    const env = { KAOS_SERVER: server.url, KAOS_WORKER_TOKEN: server.workerToken }
    const { child, ended, said } = await startMain(t, { ...env, KAOS_RUNNER: 'process' })
    await server.until(() => server.claims > 0)

    if (way === 'its stdin closes') child.stdin.end()
    else child.kill('SIGTERM')
    const [code] = await ended

    assert.equal(code, 0, said())
  })
}

test('the worker says which setting is missing', async t => {
  const { ended, said } = await startMain(t, { KAOS_SERVER: 'http://127.0.0.1:9' })

  const [code] = await ended

  assert.equal(code, 2)
  assert.match(said(), /KAOS_WORKER_TOKEN is not set/)
})

test('the worker says which size of its cache makes no sense', async t => {
  const env = { KAOS_SERVER: 'http://127.0.0.1:9', KAOS_WORKER_TOKEN: 't', KAOS_RUNNER: 'process' }
  const { ended, said } = await startMain(t, { ...env, KAOS_CACHE_GB: '50 GB' })

  const [code] = await ended

  assert.equal(code, 2)
  assert.match(said(), /KAOS_CACHE_GB is "50 GB"; give a number of gigabytes/)
})
