/* Power loss: the server keeps its data on a disk image; in the middle of pushes it is stopped, the
 * image is copied as the disk would have it at that moment, and another server starts on the copy.
 * What was acknowledged must be there. Models a lost page cache, not torn or reordered sectors. Needs
 * root and loop devices. KAOS_TEST_ROUNDS for more rounds. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FsckRun } from '../../api/wire.ts'
import { type Server, startServer } from './kaos.ts'
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
} from './pushing.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 10)
const IMAGE_BYTES = 1024 * 1024 * 1024
const PUSHES = 8
const ENV = { KAOS_SCRUB_DAYS: '0', KAOS_RESERVE_PERCENT: '0' }

/** A server on what the disk image holds, for as long as the work takes. */
async function onDisk<T>(image: string, work: (server: Server) => Promise<T>): Promise<T> {
  const place = mkdtempSync(join(tmpdir(), 'kaos-disk-'))
  execFileSync('mount', ['-o', 'loop', image, place])
  try {
    const server = await startServer(join(place, 'data'), { env: ENV })
    try {
      return await work(server)
    } finally {
      server.process.kill('SIGCONT')
      await server.stop()
    }
  } finally {
    execFileSync('umount', [place])
    rmSync(place, { recursive: true })
  }
}

function makeDisk(image: string): void {
  writeFileSync(image, '')
  truncateSync(image, IMAGE_BYTES)
  execFileSync('mkfs.ext4', ['-q', '-F', image])
}

/** Pushes while the gate is open: nobody need fill the disk while a copy of it is looked at. */
class Gate {
  #open = Promise.resolve()
  #release = () => {}

  close(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#open = promise
    this.#release = resolve
  }

  open(): void {
    this.#release()
  }

  passed(): Promise<void> {
    return this.#open
  }
}

async function pushUntilStopped(
  pusher: Pusher,
  acknowledged: Accepted[],
  gate: Gate,
  stop: AbortSignal,
) {
  const shared = randomBytes(60_000)
  for (; !stop.aborted; await gate.passed()) {
    try {
      acknowledged.push(await pusher.push({ own: randomBytes(500), shared }))
    } catch (error) {
      const full = error instanceof Error && error.message.includes(' 507 ')
      if (full || !(error instanceof Refused)) throw error
    }
  }
}

test('a power loss in the middle of pushes loses nothing that was acknowledged', async t => {
  const work = mkdtempSync(join(tmpdir(), 'kaos-e2e-'))
  t.after(() => rmSync(work, { recursive: true }))
  const image = join(work, 'disk.img')
  makeDisk(image)
  const acknowledged: Accepted[] = []
  let lost: string[] = []
  let unclean = 0

  await onDisk(image, async server => {
    await makeWorkspace(server.url)
    const url = () => server.url
    const pushers = [
      new NativePusher(url, 'one'),
      new NativePusher(url, 'two'),
      new OciPusher(url, 'images'),
      new DvcPusher(url, 'tracked'),
    ]
    const stop = new AbortController()
    const gate = new Gate()
    const pushing = pushers.map(one => pushUntilStopped(one, acknowledged, gate, stop.signal))
    const failed = Promise.all(pushing)
    for (let round = 0; round < ROUNDS; round++) {
      const wanted = acknowledged.length + Math.floor(Math.random() * PUSHES) + 1
      while (acknowledged.length < wanted) await Promise.race([sleep(2), failed])
      gate.close()
      server.process.kill('SIGSTOP')
      const before = [...acknowledged]
      const copy = join(work, 'copy.img')
      execFileSync('cp', ['--sparse=always', image, copy])
      server.process.kill('SIGCONT')
      const found = await onDisk(copy, one => lookInto(one, before))
      lost = lost.concat(found.lost)
      if (found.fsck.state !== 'clean') unclean++
      gate.open()
    }
    stop.abort()
    await failed
  })

  console.log(
    `promise power-loss rounds=${ROUNDS} acked=${acknowledged.length} lost=${lost.length}`,
    `unclean=${unclean}`,
  )
  assert.ok(acknowledged.length > 0)
  assert.deepEqual(lost, [])
  assert.equal(unclean, 0)
})

async function lookInto(server: Server, acknowledged: readonly Accepted[]) {
  const lost = await lostAmong(acknowledged, server.url)
  return { lost, fsck: await adminRun<FsckRun>(server.url, 'fsck') }
}
