/* Makes, checks and restores backups: `node server/backup/main.ts`, told by one line of JSON on its
 * input, telling by lines of JSON: {"note"} while it works, then {"result"} or {"error"}. */
import { existsSync, rmSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { countBuffersAsHeap } from '../../api/heap.ts'
import type { Head } from '../../graph/ledger.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { toNeo4j } from '../../graph/neo4j/migrate.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { sealFile, snapshotSqlite } from '../../graph/sqlite/snapshot.ts'
import { diskFiles } from '../../store/disk/files.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Store } from '../../store/store.ts'
import { loadSettings } from '../config.ts'
import { lockFolder } from '../lock.ts'
import type { Settings } from '../parts.ts'
import { checkBackup } from './check.ts'
import { copyFrom } from './copy.ts'
import { type Moment, momentIn, momentsIn, requireOurs, storeOf } from './folder.ts'
import { keepNewest } from './keep.ts'
import { type Place, remoteAt } from './remote.ts'
import { ledgerFileIn, restoreInto, type Source, type Target } from './restore.ts'

type Order = { readonly folder: string } & (
  | { readonly what: 'copy'; readonly place: Place; readonly keep?: number }
  | { readonly what: 'list' }
  | { readonly what: 'check'; readonly moment?: string; readonly content: boolean; rootAt?: number }
  | { readonly what: 'restore'; readonly moment?: string; readonly data?: string }
)

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
const tell = (note: string) => say({ note })

async function carryOut(order: Order): Promise<unknown> {
  const { folder } = order
  if (order.what === 'list') return { moments: (await momentsIn(folder)).map(shown) }
  if (order.what === 'copy') {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await requireOurs(folder)
  } else {
    await momentIn(folder, undefined)
  }
  const lock = lockFolder(folder)
  try {
    if (order.what === 'copy') return await copy(order)
    if (order.what === 'check') return await check(order)
    return await restore(order)
  } finally {
    lock.release()
  }
}

async function copy({ folder, place, keep }: Extract<Order, { what: 'copy' }>) {
  const openStore = (id: string) => openFilesystemStore(storeOf(folder), diskFiles, id)
  const tools = { openStore, openLedger: openSqliteLedger, seal: sealFile, tell }
  const { moment, copied } = await copyFrom(remoteAt(place), folder, tools)
  const { store } = moment.manifest
  const dropped =
    keep === undefined
      ? []
      : await keepNewest(folder, keep, {
          tell,
          openStore: () => openStore(store),
          opened: (one, work) => withLedger(one, tmpdir(), work),
        })
  return { ...shown(moment), copied, dropped, folder }
}

async function check(order: Extract<Order, { what: 'check' }>) {
  const moment = await momentIn(order.folder, order.moment)
  const store = await openFilesystemStore(storeOf(order.folder))
  try {
    return await withLedger(moment, tmpdir(), source =>
      checkBackup({ ...source, store }, { ...order, tell }),
    )
  } finally {
    await store.close()
  }
}

async function restore(order: Extract<Order, { what: 'restore' }>) {
  const settings = await loadSettings(order.data === undefined ? [] : ['--data', order.data])
  const { data } = settings
  await mkdir(data, { recursive: true, mode: 0o700 })
  const moment = await momentIn(order.folder, order.moment)
  const lock = lockFolder(data)
  const store = await openFilesystemStore(storeOf(order.folder))
  try {
    return await withLedger(moment, data, async source => {
      const restored = await restoreInto(targetOf(settings), { ...source, store })
      return { ...shown(moment), ...restored, data }
    })
  } finally {
    await store.close()
    lock.release()
  }
}

/** A copy of the moment's ledger, since opening one may bring it to today's schema. */
async function withLedger<T>(
  moment: Moment,
  place: string,
  work: (source: Omit<Source, 'store'>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(place, 'backup-'))
  try {
    const file = join(folder, 'ledger.sqlite')
    await copyFile(moment.ledger, file)
    const ledger = await openSqliteLedger(file)
    try {
      return await work({ moment, ledger, file })
    } finally {
      await ledger.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function targetOf(settings: Settings): Target {
  const { data, neo4j, secretKeyFile } = settings
  const file = ledgerFileIn(data)
  return {
    tell,
    secretKeyFile: secretKeyFile ?? join(data, 'secret.key'),
    openStore: id => openStoreOf(settings, id),
    async held() {
      if (neo4j === undefined && !existsSync(file)) return undefined
      const ledger = await (neo4j ? openNeo4jLedger(neo4j) : openSqliteLedger(file))
      const { size } = await ledger.head().finally(() => ledger.close())
      return size
    },
    placeLedger: from => (neo4j ? toNeo4j(from, neo4j) : placeFile(from, file)),
  }
}

async function openStoreOf({ data, s3 }: Settings, id: string): Promise<Store> {
  if (s3 === undefined) return openFilesystemStore(join(data, 'store'), diskFiles, id)
  const { openS3Store } = await import('../../store/s3.ts')
  return openS3Store({ ...s3, cacheFolder: join(data, 'store-cache'), id })
}

/** Gets its name when it is verified and durable. */
async function placeFile(from: string, file: string): Promise<Head> {
  const own = `${file}.restoring`
  rmSync(own, { force: true })
  await snapshotSqlite(from, own)
  const ledger = await openSqliteLedger(own)
  const head = await ledger.head()
  const findings = await ledger.verify().finally(() => ledger.close())
  if (findings.length > 0) {
    const message = `the ledger of the backup is damaged: ${findings[0]}; restore another moment (--list)`
    throw new KaosError('LEDGER_DAMAGED', message)
  }
  sealFile(own)
  await rename(own, file)
  const folder = await open(join(file, '..'), 'r')
  await folder.sync()
  await folder.close()
  return head
}

function shown({ name, manifest }: Moment) {
  const { keys: _, checkpoint: __, kind: ___, version: ____, ...rest } = manifest
  return { moment: name, ...rest }
}

countBuffersAsHeap()
try {
  say({ result: await carryOut(JSON.parse(await text(process.stdin)) as Order) })
} catch (error) {
  const known = isKaosError(error) ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  say({ error: { code: known?.code ?? 'INTERNAL', message, detail: known?.detail ?? {} } })
  process.exitCode = known?.exit ?? 1
}
