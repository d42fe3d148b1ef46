import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { diskFiles, type Files } from '../../store/files.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { noise } from './bytes.ts'
import { digestsIn } from './conformance.ts'
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
      assert.deepEqual(await Array.fromAsync(again.check()), [])
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
    assert.deepEqual(await Array.fromAsync(store.check()), [])
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

/** The disk, with a log of what was done to it, on which any step can fail for want of room.
 * Deleting never fails: that needs no room. */
function failingDisk() {
  const log: string[] = []
  let left = Infinity
  const step = async (what: string, path: string) => {
    if (--left < 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    log.push(`${what} ${path.split('/').at(-1)}`)
  }
  const files: Files = {
    remove: diskFiles.remove,
    async create(path) {
      await step('create', path)
      const file = await diskFiles.create(path)
      return {
        write: bytes => step('write', path).then(() => file.write(bytes)),
        sync: () => step('sync', path).then(() => file.sync()),
        close: () => file.close(),
      }
    },
    rename: (from, to) => step('rename', to).then(() => diskFiles.rename(from, to)),
    syncFolder: path => step('sync folder', path).then(() => diskFiles.syncFolder(path)),
  }
  /** From the n-th step on, every step fails. */
  const failAt = (n: number) => {
    left = n - 1
  }
  return { files, log, failAt }
}
