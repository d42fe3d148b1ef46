import assert from 'node:assert/strict'
import { cp, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound } from './conformance.ts'
import { temporaryFolder } from './folders.ts'
import { ForgetfulDisk, type Options } from './forgetful-disk.ts'

const honest: Options = { removalsComeBack: false, syncs: true }

for (const [what, options] of Object.entries({
  'at once': honest,
  'only with the next sync': { removalsComeBack: true, syncs: true },
})) {
  test(`whatever step the power is lost at, all that was acknowledged is there; names that are removed go ${what}`, async t => {
    let rounds = 0
    for (let step = 5; ; step += 4) {
      const { acknowledged, removed, whole, folder } = await worked(t, options, step)

      for (const withCatalog of [false, true]) {
        const left = await leftOf(t, folder, withCatalog)
        const store = await openFilesystemStore(left)

        const where = `step ${step}${withCatalog ? ', with the catalog' : ''}`
        assert.deepEqual(await lacking(store, acknowledged), [], where)
        assert.deepEqual(await damageFound(store), [], where)
        assert.deepEqual(await lacking(store, removed), [...removed], where)
        await store.close()
      }

      rounds++
      if (whole) break
    }

    assert.ok(rounds > 20, `${rounds} rounds`)
  })
}

test('a disk that does not sync when it is told to loses what was acknowledged: the test above bites', async t => {
  const { acknowledged, folder } = await worked(t, { ...honest, syncs: false }, Infinity)
  const store = await openFilesystemStore(await leftOf(t, folder, false))
  t.after(() => store.close())

  assert.ok(acknowledged.size >= 10)
  assert.equal((await lacking(store, acknowledged)).length, acknowledged.size)
})

/** Puts, removes, collects and compacts until the power is lost. */
async function worked(t: TestContext, options: Options, step: number) {
  const folder = join(await temporaryFolder(t), 'store')
  const disk = new ForgetfulDisk(folder, options)
  const acknowledged = new Set<Digest>()
  const removed = new Set<Digest>()
  disk.cutAt(step)
  const store = await openFilesystemStore(folder, disk.files).catch(() => undefined)
  const [done] = await Promise.allSettled([store && work(store, acknowledged, removed)])
  await disk.lay(`${folder}.left`)
  await store?.close()
  return { acknowledged, removed, whole: done.status === 'fulfilled' && !!store, folder }
}

async function work(store: Store, acknowledged: Set<Digest>, removed: Set<Digest>): Promise<void> {
  const put = async (seed: number, count: number, size: number) => {
    const objects = Array.from({ length: count }, (_, i) => noise(size, seed + i))
    for (const digest of await store.put(objects)) acknowledged.add(digest)
    return objects.map(digestOf)
  }
  const forget = (digests: readonly Digest[]) => {
    // Neither is promised while it is under way.
    for (const digest of digests) acknowledged.delete(digest)
    return {
      done() {
        for (const digest of digests) removed.add(digest)
      },
    }
  }
  const small = await put(1, 10, 900)
  const large = await put(100, 12, 150_000)
  const first = forget(small.slice(0, 4))
  await store.remove(small.slice(0, 4))
  first.done()
  const second = forget(large.slice(0, 9))
  const condemned = await store.condemn([...large.slice(0, 9), small[5]!])
  await condemned.spare([small[5]!])
  await condemned.remove()
  second.done()
  await put(200, 5, 700)
  await store.compact(0.1)
  const all = forget([...small.slice(4), ...large.slice(9)])
  await store.remove([...small.slice(4), ...large.slice(9)])
  all.done()
  await put(300, 5, 700)
}

/** What the power loss left, in a folder of its own. */
async function leftOf(t: TestContext, folder: string, withCatalog: boolean): Promise<string> {
  const left = join(await temporaryFolder(t), 'left')
  const kept = await stat(`${folder}.left`).catch(() => undefined)
  if (kept !== undefined) await cp(`${folder}.left`, left, { recursive: true })
  if (kept === undefined || !withCatalog) return left
  for (const end of ['', '-wal']) {
    await cp(`${folder}/index.sqlite${end}`, `${left}/index.sqlite${end}`).catch(() => undefined)
  }
  return left
}

async function lacking(store: Store, digests: ReadonlySet<Digest>): Promise<Digest[]> {
  const all = [...digests]
  const here = await store.has(all)
  for (const [i, digest] of all.entries()) {
    if (here[i]) assert.equal(digestOf(await store.get(digest)), digest)
  }
  return all.filter((_, i) => !here[i])
}
