import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Messenger } from '../../../server/jobs/neighbours.ts'
import { openRedisMessenger } from '../../../server/queue/redis.ts'

const URL = process.env.KAOS_TEST_REDIS_URL
if (!URL) throw new Error('KAOS_TEST_REDIS_URL names no Redis; start one and set it')

async function open(t: TestContext, name: string, url = URL!): Promise<Messenger> {
  const messenger = openRedisMessenger({ url, name, log: () => {} })
  t.after(() => messenger.close())
  await reached(messenger)
  return messenger
}

async function reached(messenger: Messenger): Promise<void> {
  while (messenger.trouble() !== undefined) await sleep(10)
}

/** All that is heard until the word comes. */
function hearing(messenger: Messenger, word: string): Promise<string[]> {
  const heard: string[] = []
  return new Promise(resolve => {
    messenger.listen(topics => {
      heard.push(...topics)
      if (topics.includes(word)) resolve(heard)
    })
  })
}

/** Told again and again: a subscription may not be there at the first time. */
async function toldUntilHeard(teller: Messenger, heard: Promise<string[]>, word: string) {
  let done = false
  const end = heard.then(topics => {
    done = true
    return topics
  })
  while (!done) {
    teller.tell([word])
    await Promise.race([end, sleep(50)])
  }
  return end
}

const fresh = () => randomBytes(8).toString('hex')

test('what one server tells, the others hear, and it does not', async t => {
  const name = fresh()
  const [one, other] = [await open(t, name), await open(t, name)]
  const own: string[] = []
  one.listen(topics => void own.push(...topics))
  await toldUntilHeard(one, hearing(other, 'job/first'), 'job/first')

  const heard = hearing(other, 'job/b')
  one.tell(['job/a', 'endpoint/x'])
  one.tell(['job/b'])

  assert.deepEqual(
    (await heard).filter(topic => topic !== 'job/first'),
    ['job/a', 'endpoint/x', 'job/b'],
  )
  assert.deepEqual(own, [])
})

test('a wake-up of the queue goes through Bull and reaches every server', async t => {
  const name = fresh()
  const [one, other] = [await open(t, name), await open(t, name)]

  const [here, there] = await Promise.all([
    toldUntilHeard(one, hearing(one, 'ready'), 'ready'),
    toldUntilHeard(one, hearing(other, 'ready'), 'ready'),
  ])

  assert.ok(here.includes('ready'))
  assert.ok(there.includes('ready'))
})

test('a later wake-up comes although the server that asked for it is gone', async t => {
  const name = fresh()
  const [one, other] = [await open(t, name), await open(t, name)]
  await toldUntilHeard(one, hearing(other, 'job/x'), 'job/x')
  const heard = hearing(other, 'later')

  one.tellLater(['later'], 1500)
  await sleep(300)
  await one.close()

  assert.ok((await heard).includes('later'))
})

test('installations over one Redis do not hear each other', async t => {
  const [one, stranger] = [await open(t, fresh()), await open(t, fresh())]
  const heard: string[] = []
  stranger.listen(topics => void heard.push(...topics))
  const mine = hearing(one, 'ready')

  await toldUntilHeard(one, mine, 'ready')

  assert.deepEqual(heard, [])
})

test('a Redis that was killed and comes back empty carries messages again', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-redis-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  let redis = await startRedis(folder, port)
  t.after(() => void redis.kill('SIGKILL'))
  const name = fresh()
  const url = `redis://127.0.0.1:${port}`
  const [one, other] = [await open(t, name, url), await open(t, name, url)]
  await toldUntilHeard(one, hearing(other, 'job/x'), 'job/x')

  redis.kill('SIGKILL')
  await once(redis, 'exit')
  while (one.trouble() === undefined) await sleep(10)
  one.tell(['lost'])
  redis = await startRedis(folder, port)
  await Promise.all([reached(one), reached(other)])
  await toldUntilHeard(one, hearing(other, 'job/y'), 'job/y')
  await toldUntilHeard(one, hearing(other, 'ready'), 'ready')

  assert.equal(one.trouble(), undefined)
})

test('a Redis that stands still is in trouble, and none when it goes on', async t => {
  const { redis, messenger } = await openOver(t)

  redis.kill('SIGSTOP')
  while (messenger.trouble() === undefined) await sleep(10)
  redis.kill('SIGCONT')

  await reached(messenger)
})

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`a server that ends does not wait for its Redis: ${signal}`, async t => {
    const { redis, messenger } = await openOver(t)

    redis.kill(signal)
    while (messenger.trouble() === undefined) await sleep(10)

    await messenger.close()
  })
}

/** A messenger over a Redis of its own. */
async function openOver(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-redis-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const redis = await startRedis(folder, port)
  t.after(() => void redis.kill('SIGKILL'))
  return { redis, messenger: await open(t, fresh(), `redis://127.0.0.1:${port}`) }
}

async function startRedis(folder: string, port: number) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const text of redis.stdout) if (/Ready to accept/.test(String(text))) break
  redis.stdout.resume()
  return redis
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
