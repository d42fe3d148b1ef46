import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { KaosError } from '../../../api/errors.ts'
import type { BackupChecked } from '../../../server/backup/check.ts'
import { momentsIn, storeOf } from '../../../server/backup/folder.ts'
import type { Remote } from '../../../server/backup/remote.ts'
import { openFilesystemStore } from '../../../store/filesystem.ts'
import { damageIn } from '../../store/damage.ts'
import { tempFolder } from '../open.ts'
import { type BackupScene, carriedOut, openBackupScene } from './scene.ts'

/** Not to be kept small by being alike. */
const LARGE = () => ({ 'large.bin': randomBytes(600_000), 'small.txt': 'small' })

function checked({ folder }: BackupScene, content = true): Promise<BackupChecked> {
  return carriedOut({ what: 'check', folder, content })
}

test('a backup has the root of its signed checkpoint, and everything that it needs', async t => {
  const backup = await openBackupScene(t)
  await backup.scene.push('features', LARGE())

  const { moment } = await backup.copy()

  const { size, root } = await backup.scene.parts.ledger.head()
  assert.deepEqual([moment.manifest.size, moment.manifest.root], [size, root])
  const found = await checked(backup)
  assert.deepEqual([found.findings, found.root], [[], root])
  assert.equal(found.objects, moment.manifest.objects)
  assert.equal(
    (await readdir(backup.data)).some(name => name.startsWith('backup-')),
    false,
  )
})

test('a second backup copies only what is new, and the first stays whole', async t => {
  const backup = await openBackupScene(t)
  const files = LARGE()
  await backup.scene.push('features', files)
  const first = await backup.copy()
  await backup.scene.push('features', { ...files, 'more.txt': 'more' })

  const second = await backup.copy()

  assert.ok(first.copied.bytes > 600_000)
  assert.ok(second.copied.bytes < 20_000, String(second.copied.bytes))
  for (const { name } of await momentsIn(backup.folder)) {
    const found = await carriedOut<BackupChecked>({
      ...{ what: 'check', folder: backup.folder, moment: name, content: false },
    })
    assert.deepEqual(found.findings, [])
  }
})

test('nothing is collected while a backup runs, and a collection may follow at once', async t => {
  const backup = await openBackupScene(t)
  const { scene, remote } = backup
  await scene.push('features', LARGE())
  let refused = 0
  const meddling: Remote = {
    ...remote,
    async *objects(lease, raw) {
      await scene.remove('features', 1).catch(() => undefined)
      const { status } = await scene.call('POST', '/admin/gc', { graceSeconds: 0 })
      if (status === 409) refused++
      yield* remote.objects(lease, raw)
    },
  }

  await backup.copy(meddling)
  const run = await scene.collect()

  assert.ok(refused > 0)
  assert.equal(run.state, 'done')
  assert.ok(run.going.objects > 0)
  assert.deepEqual((await checked(backup)).findings, [])
})

test('a backup whose connection was cut goes on, and asks only for what it lacks', async t => {
  const backup = await openBackupScene(t)
  const { remote } = backup
  await backup.scene.push('features', {
    'a.bin': randomBytes(2_000_000),
    'b.bin': randomBytes(900_000),
  })
  let [brought, cuts] = [0, 0]
  const cut: Remote = {
    ...remote,
    async *objects(lease, raw) {
      for await (const object of remote.objects(lease, raw)) {
        brought += object.length
        yield object
        if (cuts === 0 && brought > 2_500_000) {
          cuts++
          throw new KaosError('UNREACHABLE', 'cut')
        }
      }
    },
  }

  const { copied, moment } = await backup.copy(cut, { turn: { objects: 8, bytes: 1 } })

  assert.equal(cuts, 1)
  assert.deepEqual((await checked(backup)).findings, [])
  assert.ok(copied.bytes <= moment.manifest.bytes)
  assert.equal((await momentsIn(backup.folder)).length, 1)
})

test('the collector is free again soon after whoever made a backup has died', async t => {
  const { scene, remote } = await openBackupScene(t)
  for await (const said of remote.begin()) void said
  const held = await scene.call('POST', '/admin/gc', { graceSeconds: 0 })
  scene.test.clock.now += 31_000

  const run = await scene.collect()

  assert.equal(held.status, 409)
  assert.equal(run.state, 'done')
})

test('a damaged object is named, and all others are in the backup', async t => {
  const backup = await openBackupScene(t)
  const { scene } = backup
  await scene.push('features', LARGE())
  const { version } = await scene.push('labels', { 'labels.bin': randomBytes(300_000) })
  const node = await scene.parts.ledger.node(version.entity)
  const objects = await Array.fromAsync(scene.parts.store.list())
  const chunk = objects.find(one => one.size > 16_384 && one.digest !== node?.digest)!
  await damageIn(join(backup.data, 'store'), chunk.digest)

  const { moment } = await backup.copy()

  assert.deepEqual(moment.manifest.missing, [chunk.digest])
  assert.deepEqual((await checked(backup)).findings, [])
})

test('a bit that flips in a backup is found, in its bytes and in its ledger', async t => {
  const backup = await openBackupScene(t)
  await backup.scene.push('features', LARGE())
  const { moment } = await backup.copy()
  const store = await openFilesystemStore(storeOf(backup.folder))
  const objects = await Array.fromAsync(store.list())
  await store.close()
  await damageIn(storeOf(backup.folder), objects.find(one => one.size > 16_384)!.digest)

  const bytes = await checked(backup)
  const { DatabaseSync } = await import('node:sqlite')
  const ledger = new DatabaseSync(moment.ledger)
  ledger.exec(`UPDATE statement SET payload = replace(payload, 'features', 'creatures')`)
  ledger.close()
  const facts = await checked(backup, false)

  assert.match(bytes.findings.join('\n'), /object sha256:\w+ is damaged/)
  assert.match(facts.findings.join('\n'), /not the one that was written/)
  assert.match(facts.findings.join('\n'), /statement \d+/)
})

test('a folder with something else in it, or of another installation, is left alone', async t => {
  const [one, other] = [await openBackupScene(t), await openBackupScene(t)]
  await one.copy()
  const strange = await tempFolder(t)
  await mkdir(join(strange, 'photos'))
  await writeFile(join(strange, 'photos', 'cat.jpg'), 'cat')
  const place = { endpoint: 'http://127.0.0.1:9' }

  const full = carriedOut({ what: 'copy', folder: strange, place })
  await assert.rejects(full, { code: 'CONFLICT', message: /holds something else \(photos\)/ })
  const mixed = one.copy(other.remote)
  await assert.rejects(mixed, { code: 'CONFLICT', message: /of the installation/ })

  assert.deepEqual(await readdir(strange), ['photos'])
  await other.copy()
})
