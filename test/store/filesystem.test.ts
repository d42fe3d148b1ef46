import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { storeConformance } from './conformance.ts'
import { damageIn } from './damage.ts'

storeConformance('filesystem', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-store-'))
  return {
    open: () => openFilesystemStore(folder),
    damage: digest => damageIn(folder, digest),
    dispose: () => rm(folder, { recursive: true }),
  }
})
