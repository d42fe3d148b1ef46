import assert from 'node:assert/strict'
import { cp, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Checked, Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn, filesFound } from './conformance.ts'
import { damageIn, flipBit } from './damage.ts'
import { temporaryFolder } from './folders.ts'

const living = Array.from({ length: 24 }, (_, i) => noise(4000 + i, i + 1))
const digests = living.map(digestOf)
const removed = Array.from({ length: 6 }, (_, i) => noise(3000, i + 100))
const collected = Array.from({ length: 6 }, (_, i) => noise(2000, i + 200))

/** Kinds of files, and how many places of each are tried; whole files where there is no number. */
const KINDS: Record<string, { file: RegExp; places?: number }> = {
  pack: { file: /^packs\/.*\.pack$/, places: 25 },
  segment: { file: /^packs\/.*\.idx$/, places: 25 },
  'mark of a removal': { file: /\.gone$/, places: 20 },
  'mark of damage': { file: /\.bad$/ },
  'beginning of a condemnation': { file: /\.begin$/, places: 20 },
  'list of condemned copies': { file: /\.dying$/, places: 20 },
  'list of spared copies': { file: /\.spared$/, places: 20 },
  'end of a condemnation': { file: /\.end$/, places: 20 },
  'store.json': { file: /^store\.json$/ },
}

for (const [kind, { file, places }] of Object.entries(KINDS)) {
  test(`a flipped bit in a ${kind} is found and healed, in an open store`, async t => {
    const { store, folder } = await filled(t)
    let flips = 0

    for (let round = 0; round < (places ?? Infinity); round++) {
      const [name] = (await namesIn(folder)).filter(one => file.test(one))
      // The condemnation's files go once they are mended.
      if (name === undefined) break
      const { size } = await stat(join(folder, name))
      if (places === undefined && round === size) break
      const at = places === undefined ? round : placeOf(round, size)
      const harmless = kind === 'store.json' && (await isHarmless(folder, at))
      await flipBit(join(folder, name), at)
      flips++

      const found = await Array.fromAsync(store.check())

      assert.ok(harmless || found.some(tells(name)), `byte ${at} of ${name}`)
      await store.put(living)
      await store.compact(0)
      await requireWhole(store, `byte ${at} of ${name}`)
    }

    assert.ok(flips > 0)
  })

  test(`a flipped bit in a ${kind} costs nothing that lives when the store is opened over it`, async t => {
    const { folder } = await filled(t)
    const [name] = (await namesIn(folder)).filter(one => file.test(one))
    const { size } = await stat(join(folder, name!))

    for (let round = 0; round < 6; round++) {
      const copy = join(await temporaryFolder(t), 'store')
      await cp(folder, copy, { recursive: true })
      const at = placeOf(round, size)
      await flipBit(join(copy, name!), at)

      const store = await openFilesystemStore(copy)

      await damageFound(store)
      await store.put(living)
      await store.compact(0)
      await requireWhole(store, `byte ${at} of ${name}`)
      await store.close()
    }
  })
}

test('a flipped bit in the catalog costs nothing that lives, and nothing that lives is called gone', async t => {
  const { store, folder } = await filled(t)
  await store.close()
  const { size } = await stat(join(folder, 'index.sqlite'))

  for (let round = 0; round < 30; round++) {
    const copy = join(await temporaryFolder(t), 'store')
    await cp(folder, copy, { recursive: true })
    const at = placeOf(round, size)
    await flipBit(join(copy, 'index.sqlite'), at)

    const again = await openFilesystemStore(copy)

    await damageFound(again)
    await again.put(living)
    await again.compact(0)
    await requireWhole(again, `byte ${at} of the catalog`)
    await again.close()
  }
})

test('a count that went wrong in the catalog does not take a pack away that still holds something', async t => {
  const { DatabaseSync } = await import('node:sqlite')
  const { store, folder } = await filled(t)
  await store.close()
  const catalog = new DatabaseSync(join(folder, 'index.sqlite'))
  catalog.exec('UPDATE pack SET live = 0')
  catalog.close()

  const again = await openFilesystemStore(folder)
  t.after(() => again.close())

  await again.remove([digests[0]!])
  for (const digest of digests.slice(1)) assert.equal(digestOf(await again.get(digest)), digest)
})

/** A store in which there is a file of every kind. */
async function filled(t: TestContext): Promise<{ store: Store; folder: string }> {
  const folder = join(await temporaryFolder(t), 'store')
  const store = await openFilesystemStore(folder)
  t.after(() => store.close())
  await store.put([...living, ...removed, ...collected])
  await store.remove(removed.map(digestOf))
  await damageIn(folder, digests[0]!)
  await assert.rejects(store.get(digests[0]!), { code: 'OBJECT_DAMAGED' })
  await store.put([living[0]!])
  const condemned = await store.condemn([...collected.map(digestOf), digests[1]!])
  await condemned.spare([digests[1]!])
  await condemned.remove()
  return { store, folder }
}

/** All that lives is there, and sound, and nothing else; a check finds nothing. */
async function requireWhole(store: Store, where: string): Promise<void> {
  assert.deepEqual(await damageFound(store), [], where)
  assert.deepEqual(await filesFound(store), [], where)
  assert.equal(await store.damaged(), 0, where)
  assert.ok((await store.has(digests)).every(Boolean), where)
  for (const [i, digest] of digests.entries()) {
    assert.deepEqual(Buffer.from(await store.get(digest)), living[i], where)
  }
  const listed = new Set(await digestsIn(store))
  assert.deepEqual(
    digests.filter(digest => !listed.has(digest)),
    [],
    where,
  )
}

/** Whether a finding is of this file: of its bytes, or of an object in it. */
function tells(name: string): (found: Checked) => boolean {
  return found =>
    (found.kind === 'file' && found.file === name) ||
    (found.kind === 'damage' && name.endsWith('.pack'))
}

/** Spread over the file, the first and the last byte among them, and always the same. */
function placeOf(round: number, size: number): number {
  if (round < 2) return round * (size - 1)
  return noise(4, round + size).readUInt32BE() % size
}

/** In store.json: what does not say which store it is. */
async function isHarmless(folder: string, at: number): Promise<boolean> {
  const text = await readFile(join(folder, 'store.json'), 'utf8')
  const [id, check] = [text.indexOf('"id"'), text.indexOf('"check"')]
  return at < id || at >= check
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}
