/* A server whose pushes can be backed up, and a folder for the backups. */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { resultOf } from '../../../cli/program.ts'
import { openSqliteLedger } from '../../../graph/sqlite/ledger.ts'
import { sealFile, snapshotSqlite } from '../../../graph/sqlite/snapshot.ts'
import { type Copied, copyFrom, type Tools } from '../../../server/backup/copy.ts'
import { storeOf } from '../../../server/backup/folder.ts'
import { type Remote, remoteAt } from '../../../server/backup/remote.ts'
import { diskFiles } from '../../../store/disk/files.ts'
import { openFilesystemStore } from '../../../store/filesystem.ts'
import { openScene, type Scene } from '../care/scene.ts'
import { tempFolder } from '../open.ts'

export const PROGRAM = join(import.meta.dirname, '../../../server/backup/main.ts')

export interface BackupScene {
  readonly scene: Scene
  readonly data: string
  /** Of the backups. */
  readonly folder: string
  readonly remote: Remote
  copy(remote?: Remote, change?: Partial<Tools>): Promise<Copied>
}

export async function openBackupScene(t: TestContext): Promise<BackupScene> {
  const data = await tempFolder(t)
  const folder = await tempFolder(t)
  const file = join(data, 'ledger.sqlite')
  const scene = await openScene(t, {
    folder: data,
    async snapshot(to) {
      await snapshotSqlite(file, to)
      return openSqliteLedger(to)
    },
  })
  const remote = remoteAt({ endpoint: await scene.test.listen() })
  const tools: Tools = {
    openStore: id => openFilesystemStore(storeOf(folder), diskFiles, id),
    openLedger: openSqliteLedger,
    seal: sealFile,
    tell: () => {},
  }
  return {
    scene,
    data,
    folder,
    remote,
    copy: (other = remote, change = {}) => copyFrom(other, folder, { ...tools, ...change }),
  }
}

/** What the program answers to an order; throws the error that it says. */
export function carriedOut<T>(order: object): Promise<T> {
  return resultOf<T>(PROGRAM, order, { tell: () => {} })
}
