/* Collections back to back, without any grace, beside pushers that also push again what was just taken
 * away; then everything that was accepted and is still named is read back. KAOS_TEST_SECONDS: how long at
 * least; KAOS_TEST_ACCEPTED: until so much was accepted. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import type { FsckRun, GcRun } from '../../api/wire.ts'
import { folder, startServer } from './kaos.ts'
import {
  type Accepted,
  adminRun,
  type Content,
  DvcPusher,
  lostAmong,
  makeWorkspace,
  NativePusher,
  OciPusher,
  type Pusher,
  Refused,
} from './pushing.ts'

const SECONDS = Number(process.env.KAOS_TEST_SECONDS ?? 8)
const ACCEPTED = Number(process.env.KAOS_TEST_ACCEPTED ?? 200)
/** Pushes that each of the four pushers has under way. */
const LANES = 4
/** Of what was accepted, so much is taken away again. */
const DROPPED = 0.3
const REUSED = 0.5
const SHARED = Array.from({ length: 4 }, () => randomBytes(40_000))

interface Tally {
  pushes: number
  accepted: number
  reused: number
  repeated: number
}

/** `dropped`: contents whose names were just taken away, by anybody. */
async function pushWhile(
  going: () => boolean,
  pusher: Pusher,
  dropped: Content[],
  tally: Tally,
): Promise<Accepted[]> {
  const kept: Accepted[] = []
  while (going()) {
    const again = Math.random() < REUSED ? dropped.pop() : undefined
    const content = again ?? { own: randomBytes(300), shared: SHARED[tally.pushes % 4]! }
    try {
      const accepted = await pusher.push(content)
      kept.push(accepted)
      tally.pushes++
      tally.accepted += accepted.things
      if (again) tally.reused++
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      // What it was told to be there went before it was named: a real client pushes again.
      tally.repeated++
      dropped.push(content)
    }
    if (Math.random() > DROPPED || kept.length === 0) continue
    const [gone] = kept.splice(Math.floor(Math.random() * kept.length), 1)
    await gone!.drop()
    dropped.push(gone!.content)
  }
  return kept
}

async function collectWhile(
  going: () => boolean,
  url: string,
): Promise<{ runs: number; gone: number }> {
  let [runs, gone] = [0, 0]
  while (going()) {
    const run = await adminRun<GcRun>(url, 'gc', { graceSeconds: 0 })
    assert.equal(run.state, 'done', run.error ?? '')
    runs++
    gone += run.going.objects
  }
  return { runs, gone }
}

test('collections beside pushes damage nothing that was accepted', async t => {
  const server = await startServer(folder(t), { env: { KAOS_SCRUB_DAYS: '0' } })
  t.after(() => server.stop())
  await makeWorkspace(server.url)
  const url = () => server.url
  const lanes = Array.from({ length: LANES }, (_, lane) => lane)
  const pushers: Pusher[] = lanes.flatMap(lane => [
    new NativePusher(url, `one-${lane}`),
    new NativePusher(url, `two-${lane}`),
    new OciPusher(url, `images-${lane}`),
    new DvcPusher(url, `tracked-${lane}`),
  ])
  const tally: Tally = { pushes: 0, accepted: 0, reused: 0, repeated: 0 }
  const dropped: Content[] = []
  const end = performance.now() + SECONDS * 1000
  const going = () => performance.now() < end || tally.accepted < ACCEPTED

  const collecting = collectWhile(going, server.url)
  const kept = await Promise.all(pushers.map(one => pushWhile(going, one, dropped, tally)))
  const { runs, gone } = await collecting
  const damaged = await lostAmong(kept.flat())
  const fsck = await adminRun<FsckRun>(server.url, 'fsck')

  console.log(
    `promise gc seconds=${SECONDS} pushers=${pushers.length / LANES}x${LANES} collections=${runs} removed=${gone}`,
    `pushes=${tally.pushes} accepted=${tally.accepted} reused=${tally.reused} repeated=${tally.repeated}`,
    `read=${kept.flat().length} damaged=${damaged.length} fsck=${fsck.state}`,
  )
  assert.ok(runs > 1)
  assert.ok(gone > 0)
  assert.ok(tally.reused > 0)
  assert.deepEqual(damaged, [])
  assert.equal(fsck.state, 'clean', JSON.stringify(fsck.findings.slice(0, 3)))
})
