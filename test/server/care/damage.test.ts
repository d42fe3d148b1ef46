/* Damage on the disk itself: found, told, healed, and gone with what nothing needs. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { openScene, type Scene } from './scene.ts'

/** Changes a byte in the middle of the largest pack. */
async function damage({ test: { folder } }: Scene): Promise<void> {
  const packs = join(folder, 'store', 'packs')
  const names = (await readdir(packs)).filter(name => name.endsWith('.pack'))
  const sizes = await Promise.all(names.map(async name => (await stat(join(packs, name))).size))
  const size = Math.max(...sizes)
  const file = await open(join(packs, names[sizes.indexOf(size)]!), 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, size >> 1)
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, size >> 1)
  await file.close()
}

test('a damaged byte on the disk is found, affects its version, and heals when it is pushed again', async t => {
  const scene = await openScene(t)
  const files = { 'large.bin': randomBytes(400_000) }
  const { version } = await scene.push('features', files)
  await damage(scene)

  const run = await scene.fsck()
  await scene.push('features', files)
  const healed = await scene.fsck()

  assert.equal(run.state, 'damaged')
  assert.deepEqual(
    run.affected.map(one => one.entity),
    [version.entity],
  )
  assert.equal(healed.state, 'clean')
  assert.equal(await scene.content(version.entity), 200)
})

test('damage that nothing needs is gone after a collection', async t => {
  const scene = await openScene(t)
  await scene.push('features', { 'large.bin': randomBytes(400_000) })
  await scene.remove('features', 1)
  await damage(scene)
  const run = await scene.fsck()

  await scene.collect()

  assert.equal(run.state, 'damaged')
  assert.equal(run.findings[0]?.affects, 0)
  assert.equal((await scene.fsck()).state, 'clean')
  assert.equal(await scene.parts.store.damaged(), 0)
})

test('an index that went missing is named and made anew, and costs nothing', async t => {
  const scene = await openScene(t)
  const { version } = await scene.push('features', { 'large.bin': randomBytes(400_000) })
  const packs = join(scene.test.folder, 'store', 'packs')
  const [index] = (await readdir(packs)).filter(name => name.endsWith('.idx'))
  await rm(join(packs, index!))

  const run = await scene.fsck()

  assert.equal(run.state, 'clean')
  assert.deepEqual(run.files, [{ file: `packs/${index}`, reason: 'is missing' }])
  assert.deepEqual((await scene.fsck()).files, [])
  assert.equal(await scene.content(version.entity), 200)
})
