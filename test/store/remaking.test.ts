/* Segments are made anew beside removals and compactions, of the same server and of others. */
import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import { diskFiles, type Files } from '../../store/disk/files.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { openPackedStore } from '../../store/packed/store.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn, filesFound } from './conformance.ts'
import { flipBit } from './damage.ts'
import { temporaryFolder } from './folders.ts'
import { Gate } from './gate.ts'
import { SharedShelf } from './shared-shelf.ts'

const objects = Array.from({ length: 12 }, (_, i) => noise(3000 + i, i + 1))
const digests = objects.map(digestOf)
/** So long work goes on beside what is held up, if it does not wait for it. */
const BESIDE_MS = 100

test('a damaged segment that a check makes anew does not outlive its pack', async t => {
  const gate = new Gate()
  let armed = false
  const files: Files = {
    ...diskFiles,
    async create(path) {
      if (armed && path.endsWith('.idx.tmp')) await gate.pass()
      return diskFiles.create(path)
    },
  }
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder, files)
  t.after(() => store.close())
  await store.put(objects)
  const [segment] = await segmentsIn(folder)
  await flipBit(segment!, 100)
  armed = true

  const checking = Array.fromAsync(store.check())
  await gate.come
  const removing = store.remove(digests)
  await Promise.race([removing, sleep(BESIDE_MS)])
  gate.open()
  await Promise.all([checking, removing])

  assert.deepEqual(await readdir(join(folder, 'packs')), [])
  await store.close()
  await rm(join(folder, 'index.sqlite'))
  const again = await openFilesystemStore(folder)
  t.after(() => again.close())
  assert.deepEqual(await damageFound(again), [])
  assert.deepEqual(await digestsIn(again), [])
})

for (const [what, server, request] of [
  ['before the other writes the segment', 'checking', /^write packs\/.*idx$/],
  ['while the other writes the segment', 'removing', /^remove packs\/.*pack$/],
] as const) {
  test(`a pack that another server removes ${what} stays removed`, async t => {
    const files: SharedShelf['files'] = new Map()
    const checker = await open(t, files)
    const remover = await open(t, files)
    await checker.store.put(objects)
    damageSegments(files)
    const gate = new Gate()
    const [held, beside] = server === 'checking' ? [checker, remover] : [remover, checker]
    const check = () => Array.fromAsync(checker.store.check())
    const remove = () => remover.store.remove(digests)
    if (server === 'removing') {
      // The check has heard of nothing when it begins to write.
      const late = new Gate()
      checker.shelf.before = one => (/^write packs/.test(one) ? late.pass() : undefined)
      held.shelf.before = one => (request.test(one) ? gate.pass() : undefined)
      const checking = check()
      await late.come
      const removing = remove()
      await gate.come
      late.open()
      await checking
      gate.open()
      await removing
    } else {
      held.shelf.before = one => (request.test(one) ? gate.pass() : undefined)
      const checking = check()
      await gate.come
      await remove()
      gate.open()
      await checking
    }
    beside.shelf.before = () => {}

    assert.deepEqual(packsIn(files), [])
    const third = await open(t, files)
    assert.deepEqual(await damageFound(third.store), [])
    assert.deepEqual(await digestsIn(third.store), [])
  })
}

test('what a server that died wrote of a removed pack is not believed, however much later', async t => {
  const files: SharedShelf['files'] = new Map()
  const checker = await open(t, files)
  const remover = await open(t, files)
  await checker.store.put(objects)
  damageSegments(files)
  const gate = new Gate()
  checker.shelf.before = one => {
    if (/^facts packs/.test(one) && packsIn(files).length === 1)
      throw new Error('the power is gone')
    return /^write packs/.test(one) ? gate.pass() : undefined
  }
  const checking = Array.fromAsync(checker.store.check())
  await gate.come
  await remover.store.remove(digests)
  gate.open()
  await assert.rejects(checking, /the power is gone/)
  assert.equal(packsIn(files).length, 1)

  for (let i = 0; i < 70; i++)
    await remover.store.remove(await remover.store.put([noise(50, i + 1)]))
  for (const file of files.values()) file.at = 0
  await remover.store.compact(0)

  const third = await open(t, files)
  assert.deepEqual(await damageFound(third.store), [])
  assert.deepEqual(await digestsIn(third.store), [])
  assert.deepEqual(packsIn(files), [])
})

/** Objects of which some stay, some are removed for good, and the others come and go. */
const CROWD = Array.from({ length: 90 }, (_, i) => noise(400 + 31 * i, 500 + i))
const isOf = (kind: number) => (_: unknown, i: number) => i % 3 === kind
const STAYING = CROWD.filter(isOf(0))
const GOING = CROWD.filter(isOf(1))
const PASSING = CROWD.filter(isOf(2))

/** Removals, puts, compactions and checks at once; `harm` damages a segment, any one. */
async function crowd(stores: readonly Store[], harm: () => Promise<void> | void): Promise<void> {
  const store = (i: number) => stores[i % stores.length]!
  for (let i = 0; i < 30; i++) {
    await store(i).put([STAYING[i]!, GOING[i]!, PASSING[i]!])
  }
  let busy = true
  const until = async (work: (turn: number) => Promise<unknown>) => {
    for (let turn = 0; busy; turn++) await work(turn)
  }
  const removals = async () => {
    for (let i = 0; i < 30; i++) {
      await store(i).remove([digestOf(GOING[i]!), digestOf(PASSING[(7 * i) % 30]!)])
      await harm()
    }
    busy = false
  }
  await Promise.all([
    removals(),
    until(turn => putOrRefused(store(turn), [PASSING[(11 * turn) % 30]!, noise(90, 9000 + turn)])),
    until(turn => store(turn + 1).compact(0.1)),
    until(turn => Array.fromAsync(store(turn).check())),
    until(turn => Array.fromAsync(store(turn + 1).check())),
  ])
}

/** What it relies on may be removed meanwhile: then it is to be sent again. */
async function putOrRefused(store: Store, some: readonly Buffer[]): Promise<void> {
  await store.put(some).catch(error => assert.equal(error.code, 'CONFLICT', error.stack))
}

async function assertWhole(store: Store): Promise<void> {
  await damageFound(store)
  assert.deepEqual(await damageFound(store), [])
  assert.deepEqual(await filesFound(store), [])
  for (const one of STAYING) assert.deepEqual(Buffer.from(await store.get(digestOf(one))), one)
  const gone = await store.has(GOING.map(digestOf))
  assert.ok(!gone.includes(true))
}

test('segments that go bad while others check, remove, compact and put lose nothing and bring nothing back', async t => {
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder)
  t.after(() => store.close())
  let turn = 0

  await crowd([store], async () => {
    const segments = await segmentsIn(folder)
    const one = segments[(turn++ * 7) % segments.length]
    // Compacted meanwhile.
    if (one !== undefined) await flipBit(one, 40).catch(() => undefined)
  })

  await assertWhole(store)
  await store.close()
  await rm(join(folder, 'index.sqlite'))
  const again = await openFilesystemStore(folder)
  t.after(() => again.close())
  await assertWhole(again)
})

test('the same among servers that share a shelf', async t => {
  const files: SharedShelf['files'] = new Map()
  const servers = [await open(t, files), await open(t, files), await open(t, files)]
  let turn = 0

  await crowd(
    servers.map(one => one.store),
    () => {
      const segments = packsIn(files).filter(name => name.endsWith('.idx'))
      const one = files.get(segments[(turn++ * 7) % segments.length] ?? '')
      if (one !== undefined) one.bytes[40]! ^= 1
    },
  )

  for (const { store } of [...servers, await open(t, files)]) await assertWhole(store)
})

async function segmentsIn(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'packs'))
  return names.filter(name => name.endsWith('.idx')).map(name => join(folder, 'packs', name))
}

function packsIn(files: SharedShelf['files']): string[] {
  return [...files.keys()].filter(name => name.startsWith('packs/'))
}

function damageSegments(files: SharedShelf['files']): void {
  for (const [name, { bytes }] of files) if (name.endsWith('.idx')) bytes[100]! ^= 1
}

async function open(t: TestContext, files: SharedShelf['files']) {
  const shelf = new SharedShelf(files)
  const catalog = join(await temporaryFolder(t), 'index.sqlite')
  const store = await openPackedStore({ shelf, catalog, owner: newId() })
  t.after(() => store.close())
  return { store, shelf }
}
