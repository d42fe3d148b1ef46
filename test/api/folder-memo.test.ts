import assert from 'node:assert/strict'
import { type BigIntStats, lstatSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../../api/digest.ts'
import { FolderMemo, FolderNotes, isRacy } from '../../api/transfer/folder-memo.ts'
import { temporaryFolder } from '../store/folders.ts'

const TREE = digestOf('tree')
const OLD = 1_700_000_000_000_000_000n
const LATE = 1_800_000_000_000
const usual = stats({})

/** What the memo of a folder with these files says of each. */
function remembered(files: Record<string, BigIntStats>, atMs = LATE): FolderMemo {
  const notes = new FolderNotes()
  for (const [name, one] of Object.entries(files)) {
    notes.file(name, 'file', one, atMs, digestOf(name))
  }
  return new FolderMemo(notes.finish({ tree: TREE, files: 3, bytes: 9 }))
}

test('a file is the same only if nothing of it changed', () => {
  const others: Partial<BigIntStats>[] = [
    { size: 4n },
    { mtimeNs: OLD + 1n },
    { ctimeNs: OLD + 1n },
    { ino: 8n },
    { mode: 0o100755n },
  ]

  assert.equal(remembered({ a: usual }).file('a', stats({})), digestOf('a'))
  assert.equal(remembered({ a: usual }).file('a', stats({ mode: 0o100600n })), digestOf('a'))
  for (const other of others) {
    assert.equal(remembered({ a: usual }).file('a', stats(other)), undefined)
  }
})

test('files are found in the order of their names, whatever came or went between', () => {
  const names = fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }), {
    maxLength: 30,
  })
  const order = (all: string[]) =>
    all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  fc.assert(
    fc.property(names, names, (before, after) => {
      const memo = remembered(Object.fromEntries(order(before).map(name => [name, usual])))

      const found = order(after).filter(name => memo.file(name, usual) === digestOf(name))

      assert.deepEqual(
        found,
        order(after).filter(name => before.includes(name)),
      )
    }),
  )
})

test('a folder is known with all that is below, unless a file in it was too young', () => {
  const young = stats({ ctimeNs: BigInt(LATE) * 1_000_000n })
  const notes = new FolderNotes()
  notes.folder('sub', digestOf('sub'))

  const memo = new FolderMemo(notes.finish({ tree: TREE, files: 3, bytes: 9 }))

  assert.deepEqual(memo.whole, { tree: TREE, files: 3, bytes: 9 })
  assert.equal(memo.folder('sub'), digestOf('sub'))
  assert.equal(remembered({ a: usual, b: young }).whole, undefined)
  assert.equal(remembered({ a: usual, b: young }).file('a', usual), digestOf('a'))
  assert.equal(remembered({ a: usual, b: young }).file('b', young), undefined)
})

test('what could change within a tick of the clock is racy', () => {
  const at = 1_700_000_000_500
  const ns = BigInt(at) * 1_000_000n
  const racy = (mtimeNs: bigint, ctimeNs: bigint) => isRacy(stats({ mtimeNs, ctimeNs }), at)

  assert.equal(racy(OLD - 10n ** 12n, ns - 10n ** 9n), false)
  assert.equal(racy(OLD - 10n ** 12n, ns - 50_000_001n), true)
  assert.equal(racy(ns, OLD - 10n ** 12n), true)
  assert.equal(racy(ns + 10n ** 18n, OLD - 10n ** 12n), true)
  // A clock without fractions of a second.
  const whole = (ns / 10n ** 9n) * 10n ** 9n
  assert.equal(racy(whole - 10n ** 9n, whole - 10n ** 9n), true)
  assert.equal(racy(whole - 3n * 10n ** 9n, whole - 3n * 10n ** 9n), false)
})

test('what the system says of a file is taken as it says it', async t => {
  const file = join(await temporaryFolder(t), 'file')
  await writeFile(file, 'content')
  const before = lstatSync(file, { bigint: true })
  const memo = () => remembered({ file: before }, Date.now() + 10_000)

  assert.equal(memo().file('file', lstatSync(file, { bigint: true })), digestOf('file'))
  await chmod(file, 0o700)
  assert.equal(memo().file('file', lstatSync(file, { bigint: true })), undefined)
})

function stats(other: Partial<BigIntStats>): BigIntStats {
  const some = { size: 3n, mtimeNs: OLD, ctimeNs: OLD + 500n, ino: 7n, mode: 0o100644n }
  return { ...some, ...other } as BigIntStats
}
