/* kill -9 of the server at random moments of pushes, by several clients at once: what was acknowledged
 * is there afterwards, whole, and nothing is half there. KAOS_TEST_ROUNDS for more rounds. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FsckRun, GcRun, VersionList } from '../../api/wire.ts'
import { folder, type Server, startServer } from './kaos.ts'
import {
  type Accepted,
  adminRun,
  DvcPusher,
  lostAmong,
  makeWorkspace,
  NativePusher,
  OciPusher,
  type Pusher,
  Refused,
  WORKSPACE,
} from './pushing.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 25)
/** A kill comes after fewer pushes, and at most so much later. */
const PUSHES = 12
const LONGEST_MS = 100
const ENV = { KAOS_SCRUB_DAYS: '0' }

const seed = Number(process.env.KAOS_TEST_SEED ?? Date.now() % 1_000_000)
const random = (n: number) => {
  let x = (seed + n * 2_654_435_761) >>> 0
  x ^= x << 13
  x ^= x >>> 17
  x ^= x << 5
  return (x >>> 0) / 2 ** 32
}

/** Pushes until the connection breaks; whatever was acknowledged is told. */
async function pushUntilKilled(pusher: Pusher, acknowledged: Accepted[]): Promise<void> {
  const shared = randomBytes(60_000)
  for (let refused = 0; refused < REFUSED_MAX; ) {
    try {
      acknowledged.push(await pusher.push({ own: randomBytes(500), shared }))
    } catch (error) {
      if (!(error instanceof Refused)) return assert.match(causeOf(error), LOST_CONNECTION)
      // What the kill before this one left half done is finished by the server a while later.
      refused++
    }
  }
  assert.fail(`${pusher.name} was refused again and again`)
}

async function beginCollection(server: string): Promise<void> {
  await fetch(`${server}/api/v1/admin/gc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ graceSeconds: 0 }),
  }).catch(() => undefined)
}

const REFUSED_MAX = 20
const LOST_CONNECTION = /fetch failed|socket|ECONN|terminated|other side closed/i

function causeOf(error: unknown): string {
  const { cause, message } = error as Error
  return `${message} ${cause}`
}

/** Kills in the middle of whatever comes after so many pushes. */
async function killAfter(server: Server, acknowledged: readonly Accepted[], round: number) {
  const pushes = Math.floor(random(round) * PUSHES)
  while (acknowledged.length < pushes) await sleep(2)
  await sleep(random(round + 1000) * LONGEST_MS)
  await server.kill()
}

/** Versions that are listed and cannot be read. */
async function tornIn(base: string, repository: string): Promise<number> {
  const path = `${base}/repositories/${repository}/versions?limit=100`
  const answer = await fetch(path)
  if (answer.status === 404) return 0
  const { versions } = (await answer.json()) as VersionList
  let torn = 0
  for (const { entity } of versions) {
    const content = await fetch(`${base}/entities/${entity}/content`)
    const whole = content.ok && (await content.arrayBuffer().catch(() => undefined))
    if (!whole) torn++
  }
  return torn
}

test('a kill -9 at any moment of a push loses nothing that was acknowledged', async t => {
  console.log(`seed ${seed}`)
  const data = folder(t)
  let server = await startServer(data, { env: ENV })
  t.after(() => server.stop())
  const port = Number(new URL(server.url).port)
  const url = () => server.url
  const base = () => `${server.url}/api/v1/workspaces/${WORKSPACE}`
  await makeWorkspace(server.url)
  const pushers: Pusher[] = [
    new NativePusher(url, 'one'),
    new NativePusher(url, 'two'),
    new OciPusher(url, 'images'),
    new DvcPusher(url, 'tracked'),
  ]
  const all: Accepted[] = []
  let [lost, torn] = [[] as string[], 0]

  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged: Accepted[] = []
    const pushing = pushers.map(pusher => pushUntilKilled(pusher, acknowledged))
    // A collection may be under way as well.
    if (round % 2 === 1) pushing.push(beginCollection(server.url))
    await killAfter(server, acknowledged, round)
    await Promise.all(pushing)
    server = await startServer(data, { port, env: ENV })
    lost = lost.concat(await lostAmong(acknowledged))
    torn += await tornIn(base(), 'one')
    all.push(...acknowledged)
  }

  const fsck = await adminRun<FsckRun>(server.url, 'fsck')
  lost = lost.concat(await lostAmong(all))
  const gc = await adminRun<GcRun>(server.url, 'gc', { graceSeconds: 0 })
  const after = await lostAmong(all.slice(-200))
  console.log(
    `promise kill rounds=${ROUNDS} acked=${all.length} lost=${lost.length} torn=${torn}`,
    `fsck=${fsck.state} swept=${gc.going.objects} lost-after-sweep=${after.length}`,
  )
  assert.ok(all.length > 0)
  assert.deepEqual(lost, [])
  assert.equal(torn, 0)
  assert.equal(fsck.state, 'clean', JSON.stringify(fsck.findings.slice(0, 3)))
  assert.deepEqual(after, [])
})
