import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn } from './conformance.ts'
import { failingDisk } from './failing-disk.ts'
import { temporaryFolder } from './folders.ts'

const before = [noise(30_000, 1), noise(30_000, 2)]
const small = [noise(40_000, 3), before[0]!, Buffer.from('small')]
const large = [...Array.from({ length: 12 }, (_, i) => noise(200_000, i + 10)), before[1]!]

for (const [what, objects] of [
  ['small', small],
  ['large', large],
] as const) {
  test(`a full disk at any step of a ${what} put is told as such and leaves nothing of it`, async t => {
    let steps = 0
    for (let step = 1; ; step++) {
      const folder = join(await temporaryFolder(t), 'store')
      const disk = failingDisk()
      const store = await openFilesystemStore(folder, disk.files)
      const kept = (await store.put(before)).sort()
      const packs = await readdir(join(folder, 'packs'))
      disk.failAt(step)

      const [put] = await Promise.allSettled([store.put(objects)])

      if (put.status === 'fulfilled') {
        await store.close()
        steps = step - 1
        break
      }
      assert.equal(put.reason.code, 'STORAGE_FULL', `step ${step}: ${put.reason}`)
      assert.deepEqual(await digestsIn(store), kept)
      assert.deepEqual((await readdir(join(folder, 'packs'))).sort(), packs.sort())
      disk.failAt(Infinity)
      assert.deepEqual(await store.put(objects), objects.map(digestOf))
      await store.close()
      const again = await openFilesystemStore(folder)
      assert.deepEqual(
        await digestsIn(again),
        [...new Set([...kept, ...objects.map(digestOf)])].sort(),
      )
      assert.deepEqual(await damageFound(again), [])
      await again.close()
    }

    // Make, write, sync; name; make, write, sync, rename; name.
    assert.ok(steps >= 9, `only ${steps} steps could fail`)
  })
}

test('a removal that fails removes nothing', async t => {
  const disk = failingDisk()
  const store = await openFilesystemStore(join(await temporaryFolder(t), 'store'), disk.files)
  t.after(() => store.close())
  const digests = await store.put(before)
  disk.failAt(1)

  await assert.rejects(store.remove(digests), { code: 'STORAGE_FULL' })

  disk.failAt(Infinity)
  assert.deepEqual(await store.has(digests), [true, true])
  await store.remove(digests)
  assert.deepEqual(await store.has(digests), [false, false])
})

test('bytes are synced before their names, and both before the segment has its name', async t => {
  const disk = failingDisk()
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder, disk.files)
  t.after(() => store.close())
  disk.log.length = 0

  await store.put(small)

  const [pack] = (await readdir(join(folder, 'packs'))).filter(name => name.endsWith('.pack'))
  const segment = pack!.replace('.pack', '.idx')
  assert.deepEqual(disk.log, [
    `create ${pack}`,
    `write ${pack}`,
    `sync ${pack}`,
    'sync folder packs',
    `create ${segment}.tmp`,
    `write ${segment}.tmp`,
    `sync ${segment}.tmp`,
    `rename ${segment}`,
    'sync folder packs',
  ])
})

test('puts that are ready together share a pack and its syncs', async t => {
  const disk = failingDisk()
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder, disk.files)
  t.after(() => store.close())
  disk.log.length = 0

  const objects = Array.from({ length: 50 }, (_, i) => noise(1000, i + 1))
  await Promise.all(objects.map(object => store.put([object])))

  assert.deepEqual(
    await store.has(objects.map(digestOf)),
    objects.map(() => true),
  )
  const syncs = disk.log.filter(line => line.startsWith('sync '))
  assert.ok(syncs.length <= 12, `${syncs.length} syncs`)
})

/** Work that changes what is stored, on a store that holds `older` and, forgotten, `dead`. */
const WORK: Record<string, (store: Store) => Promise<unknown>> = {
  'a removal': store => store.remove(older.slice(0, 5).map(digestOf)),
  'a collection': async store => {
    const condemned = await store.condemn(older.slice(0, 10).map(digestOf))
    await condemned.spare(older.slice(5, 10).map(digestOf))
    await condemned.remove()
  },
  'a compaction': store => store.compact(0.1),
}
const older = Array.from({ length: 30 }, (_, i) => noise(20_000, i + 100))
const dead = Array.from({ length: 30 }, (_, i) => noise(20_000, i + 200))
const kept = older.slice(5).map(digestOf)

for (const [what, work] of Object.entries(WORK)) {
  test(`a disk that is full at any step of ${what} costs nothing that was to stay`, async t => {
    let steps = 0
    for (let step = 1; ; step++) {
      const folder = join(await temporaryFolder(t), 'store')
      const disk = failingDisk()
      const store = await openFilesystemStore(folder, disk.files)
      await store.put([...older, ...dead])
      await store.remove(dead.map(digestOf))
      disk.failAt(step)

      const [done] = await Promise.allSettled([work(store)])

      disk.failAt(Infinity)
      if (done.status === 'rejected') assert.equal(done.reason.code, 'STORAGE_FULL', `step ${step}`)
      for (const digest of kept) assert.equal(digestOf(await store.get(digest)), digest)
      await store.close()
      const again = await openFilesystemStore(folder)
      assert.ok((await again.has(kept)).every(Boolean), `step ${step}`)
      assert.deepEqual(await damageFound(again), [])
      await work(again)
      await again.compact(0.1)
      assert.ok((await again.has(kept)).every(Boolean))
      assert.equal((await again.stats()).deadBytes, 0)
      await again.close()
      if (done.status === 'fulfilled') {
        steps = step - 1
        break
      }
    }

    assert.ok(steps >= 5, `only ${steps} steps could fail`)
  })
}

test('a compaction has the new pack and its segment for good before it touches the old one', async t => {
  const disk = failingDisk()
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder, disk.files)
  t.after(() => store.close())
  await store.put([...older, ...dead])
  await store.remove(dead.map(digestOf))
  const [old] = (await readdir(join(folder, 'packs'))).filter(name => name.endsWith('.pack'))
  disk.log.length = 0

  await store.compact(0.1)

  const segment = disk.log.findIndex(line => /^rename [0-9a-f]+\.idx$/.test(line))
  const after = disk.log.slice(segment + 1)
  const mark = after.findIndex(line => /^rename [0-9a-f]+\.gone$/.test(line))
  assert.equal(after[0], 'sync folder packs')
  assert.ok(mark > 0)
  assert.deepEqual(after.slice(mark + 1, mark + 5), [
    'sync folder marks',
    `remove ${old!.replace('.pack', '.idx')}`,
    'sync folder packs',
    `remove ${old}`,
  ])
})

test('a removal is marked for good before its pack goes, and the segment before the pack', async t => {
  const disk = failingDisk()
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder, disk.files)
  t.after(() => store.close())
  const digests = await store.put(older)
  const [pack] = (await readdir(join(folder, 'packs'))).filter(name => name.endsWith('.pack'))
  disk.log.length = 0

  await store.remove(digests)

  const mark = disk.log[0]!.replace('create ', '').replace('.tmp', '')
  assert.deepEqual(disk.log, [
    `create ${mark}.tmp`,
    `write ${mark}.tmp`,
    `sync ${mark}.tmp`,
    `rename ${mark}`,
    'sync folder marks',
    `remove ${pack!.replace('.pack', '.idx')}`,
    'sync folder packs',
    `remove ${pack}`,
  ])
})

const ROUNDS = 6

test('what was acknowledged is there after the process was killed, and nothing is half', async t => {
  const folder = join(await temporaryFolder(t), 'store')
  const acknowledged = new Set<Digest>()

  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'writer.ts'), folder, `${round}`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    t.after(() => child.kill('SIGKILL'))
    // Killed after another number of acknowledgements each time, in the middle of the next puts.
    await readUntilKilled(child, 5 + round * 7, acknowledged)
    const store = await openFilesystemStore(folder)

    const listed = await digestsIn(store)
    assert.deepEqual(
      [...acknowledged].filter(digest => !listed.includes(digest)),
      [],
    )
    assert.deepEqual(await damageFound(store), [])
    assert.equal((await store.stats()).objects, listed.length)
    const names = await readdir(join(folder, 'packs'))
    const packs = names.filter(name => name.endsWith('.pack')).length
    assert.deepEqual(
      [names.length, names.filter(name => name.endsWith('.idx')).length],
      [packs * 2, packs],
    )
    await store.close()
  }

  assert.ok(acknowledged.size > ROUNDS * 5)
})

async function readUntilKilled(child: ChildProcess, count: number, acknowledged: Set<Digest>) {
  const gone = new Promise(resolve => child.once('exit', resolve))
  let lines = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    for (const digest of line.split(' ')) acknowledged.add(digest as Digest)
    if (++lines === count) child.kill('SIGKILL')
  }
  await gone
  assert.equal(child.signalCode, 'SIGKILL')
}
