import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { emptyFolder, removeFolder } from '../../runners/remove-folder.ts'

function placeOf(t: TestContext): string {
  const place = mkdtempSync(join(tmpdir(), 'kaos-remove-'))
  t.after(() => rmSync(place, { recursive: true, force: true }))
  return place
}

test('a folder goes with all that is in it, and what a link leads to stays', async t => {
  const place = placeOf(t)
  const folder = join(place, 'folder')
  mkdirSync(join(folder, 'a', 'b'), { recursive: true })
  mkdirSync(join(place, 'other'))
  writeFileSync(join(place, 'other', 'kept'), '')
  symlinkSync(join(place, 'other'), join(folder, 'a', 'link'))
  symlinkSync('nowhere', join(folder, 'broken'))
  writeFileSync(join(folder, 'a', 'b', 'c'), '')

  await removeFolder(folder)

  assert.ok(!existsSync(folder))
  assert.ok(existsSync(join(place, 'other', 'kept')))
})

test('a folder that is not there is no error', async t => {
  await removeFolder(join(placeOf(t), 'none'))
})

test('folders that a program closed to itself are opened first', async t => {
  const folder = join(placeOf(t), 'folder')
  mkdirSync(join(folder, 'shut', 'too'), { recursive: true })
  writeFileSync(join(folder, 'shut', 'too', 'file'), '')
  chmodSync(join(folder, 'shut', 'too'), 0o000)
  chmodSync(join(folder, 'shut'), 0o500)

  await removeFolder(folder)

  assert.ok(!existsSync(folder))
})

test('others have their turn while a large folder goes', async t => {
  const folder = join(placeOf(t), 'folder')
  mkdirSync(folder)
  for (let i = 0; i < 3000; i++) writeFileSync(join(folder, `${i}`), '')
  let turns = 0
  const counting = setInterval(() => turns++, 0)

  await removeFolder(folder)
  clearInterval(counting)

  assert.ok(!existsSync(folder))
  assert.ok(turns > 0)
})

test('an empty folder takes the place of what was there', async t => {
  const folder = join(placeOf(t), 'folder')
  await emptyFolder(folder)
  writeFileSync(join(folder, 'old'), '')

  await emptyFolder(folder)

  assert.ok(!existsSync(join(folder, 'old')))
  assert.ok(existsSync(folder))
})
