import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { momentsIn, storeOf } from '../../../server/backup/folder.ts'
import { openFilesystemStore } from '../../../store/filesystem.ts'
import { openScene } from '../care/scene.ts'
import { tempFolder } from '../open.ts'
import { type BackupScene, carriedOut, openBackupScene } from './scene.ts'

interface Restored {
  size: number
  root: string
  objects: number
  missing: string[]
}

const files = () => ({ 'a.bin': randomBytes(300_000), 'b.txt': 'b' })

async function emptyData(t: test.TestContext, { data }: BackupScene): Promise<string> {
  const other = await tempFolder(t)
  await copyFile(join(data, 'secret.key'), join(other, 'secret.key'))
  return other
}

function restore(folder: string, data: string, moment?: string): Promise<Restored> {
  return carriedOut({ what: 'restore', folder, data, moment })
}

test('a restored installation has the same root, passes every check, and goes on', async t => {
  const backup = await openBackupScene(t)
  const token = await backup.scene.test.tokenOf('maintainer')
  const pushed = await backup.scene.push('features', files())
  const { moment } = await backup.copy()
  const before = await backup.scene.parts.proofs.checkpoint()
  const data = await emptyData(t, backup)

  const restored = await restore(backup.folder, data)

  assert.deepEqual([restored.size, restored.root], [moment.manifest.size, moment.manifest.root])
  assert.deepEqual(restored.missing, [])
  const again = await openScene(t, { folder: data })
  assert.equal(again.parts.ledger.id, backup.scene.parts.ledger.id)
  assert.equal(again.parts.store.id, backup.scene.parts.store.id)
  const after = await again.parts.proofs.consistency(before.size, undefined)
  assert.ok(after.second >= before.size)
  assert.equal((await again.parts.proofs.checkpoint()).kid, before.kid)
  assert.equal((await again.fsck()).state, 'clean')
  assert.deepEqual(await again.parts.ledger.verify(), [])
  assert.equal(await again.content(pushed.version.entity), 200)
  const authorization = `Bearer ${token}`
  const asked = await again.call('GET', '/workspaces', undefined, { authorization })
  assert.equal(asked.status, 200)
  assert.equal((await again.push('features', files())).version.version, 2)
})

test('an installation that holds anything is left as it is', async t => {
  const backup = await openBackupScene(t)
  await backup.scene.push('features', files())
  await backup.copy()
  const other = await openScene(t, { folder: await tempFolder(t) })
  await other.push('mine', files())
  const { folder } = other.test
  await other.test.close()
  const data = await emptyData(t, backup)
  const store = await openFilesystemStore(join(data, 'store'))
  await store.put([Buffer.from('somebody else’s')])
  await store.close()

  const full = restore(backup.folder, folder)
  await assert.rejects(full, { code: 'CONFLICT', message: /a ledger of \d+ statements already/ })
  const strange = restore(backup.folder, data)
  await assert.rejects(strange, { code: 'CONFLICT', message: /the store there is another one/ })
  const again = await openScene(t, { folder })
  assert.equal((await again.fsck()).state, 'clean')
})

test('without the secret key nothing is restored, and it says which one is needed', async t => {
  const backup = await openBackupScene(t)
  await backup.copy()
  const data = await tempFolder(t)

  const without = restore(backup.folder, data)

  await assert.rejects(without, { code: 'CONFIGURATION', message: /put a copy of that file at/ })
})

test('an older moment can be restored, and of old ones only the newest are kept', async t => {
  const backup = await openBackupScene(t)
  const { scene, folder } = backup
  await scene.push('old', files())
  const first = await backup.copy()
  await scene.remove('old', 1)
  await scene.push('new', files())
  await backup.copy()
  const data = await emptyData(t, backup)

  const restored = await restore(folder, data, first.moment.name)
  const place = { endpoint: endpointOf(backup) }
  const kept = await carriedOut<{ dropped: string[] }>({ what: 'copy', folder, place, keep: 1 })

  assert.equal(restored.root, first.moment.manifest.root)
  assert.equal(kept.dropped.length, 2)
  const moments = await momentsIn(folder)
  assert.equal(moments.length, 1)
  const store = await openFilesystemStore(storeOf(folder))
  const { objects } = await store.stats()
  await store.close()
  assert.equal(objects, moments[0]?.manifest.objects)
})

function endpointOf({ scene }: BackupScene): string {
  const { port } = scene.test.app.server.address() as { port: number }
  return `http://127.0.0.1:${port}`
}

test('a restore that was broken off goes on with the same command', async t => {
  const backup = await openBackupScene(t)
  await backup.scene.push('features', files())
  const { moment } = await backup.copy()
  const data = await emptyData(t, backup)
  await restore(backup.folder, data)
  // As it is before the ledger gets its name.
  await rm(join(data, 'ledger.sqlite'))

  const again = await restore(backup.folder, data)

  assert.equal(again.root, moment.manifest.root)
  assert.equal(again.objects, 0)
})
