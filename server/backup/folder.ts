/* A folder of backups: one store for all of them, so that each brings only what is new, and beside it
 * the moments.
 *
 *   kaos-backup.json                   of which installation and store
 *   store/                             every object that some moment needs
 *   moments/<time>-<statements>/       ledger.sqlite, checkpoint.txt (signed), backup.json
 *
 * A moment gets its name last: what has none was broken off, and goes with the next backup. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupBegun } from '../../api/backup.ts'
import { KaosError } from '../../api/errors.ts'

export interface Manifest {
  readonly kind: 'kaos backup'
  readonly version: 1
  readonly kaos: string
  readonly installation: string
  readonly store: string
  /** Of the moment. */
  readonly at: string
  readonly size: number
  readonly root: string
  readonly checkpoint: string
  readonly keys: BackupBegun['keys']
  readonly secretKeyFile: string
  readonly ledger: { readonly bytes: number; readonly sha256: string }
  readonly objects: number
  readonly bytes: number
  /** Needed, but damaged or lost on the server. */
  readonly missing: readonly string[]
  readonly trouble?: string | undefined
}

export interface Moment {
  readonly name: string
  readonly folder: string
  readonly ledger: string
  readonly manifest: Manifest
}

type Owner = Pick<Manifest, 'installation' | 'store'>

const MARK = 'kaos-backup.json'
const BEGUN = 'begun-'

export const storeOf = (folder: string) => join(folder, 'store')

/** What a first backup that failed has left. */
const OURS = /^(server\.(lock|pid).*|moments)$/

/** CONFLICT when the folder holds something else than backups. */
export async function requireOurs(folder: string): Promise<void> {
  if (await ownerOf(folder)) return
  const other = (await readdir(folder)).find(name => !OURS.test(name))
  if (other === undefined) return
  const message = `${folder} holds something else (${other}); give an empty folder, or a new one`
  throw new KaosError('CONFLICT', message, { detail: { folder } })
}

/** Says in the folder whose backups it holds. CONFLICT when they are another installation's. */
export async function claim(folder: string, { installation, store }: Owner): Promise<void> {
  const own = await ownerOf(folder)
  if (own === undefined) {
    const text = JSON.stringify({ kind: 'kaos backups', version: 1, installation, store })
    return durably(join(folder, MARK), `${text}\n`)
  }
  if (own.installation === installation && own.store === store) return
  const whose = `${folder} holds backups of the installation ${own.installation}`
  throw new KaosError('CONFLICT', `${whose}, not of ${installation}; choose another folder`, {
    detail: { folder },
  })
}

async function ownerOf(folder: string): Promise<Owner | undefined> {
  const text = await readFile(join(folder, MARK), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const { version, ...owner } = JSON.parse(text) as Owner & { version: number }
  if (version === 1) return owner
  throw new KaosError('SCHEMA_NEWER', `${folder} was written by a newer kaos; use that version`)
}

/** A folder for a moment that is being made; `finish` gives it its name. */
export async function newMoment(folder: string) {
  const all = join(folder, 'moments')
  await mkdir(all, { recursive: true })
  for (const name of await readdir(all)) {
    if (name.startsWith(BEGUN)) await rm(join(all, name), { recursive: true, force: true })
  }
  const own = join(all, `${BEGUN}${Date.now()}`)
  await mkdir(own)
  return {
    ledger: join(own, 'ledger.sqlite'),
    async finish(manifest: Manifest): Promise<Moment> {
      await durably(join(own, 'checkpoint.txt'), manifest.checkpoint)
      await durably(join(own, 'backup.json'), `${JSON.stringify(manifest, null, 2)}\n`)
      const name = `${manifest.at.replaceAll(/[:.]/g, '-')}-${manifest.size}`
      await rename(own, join(all, name))
      await synced(all)
      return momentAt(all, name)
    },
  }
}

/** The oldest first. NOT_FOUND when the folder holds no backups. */
export async function momentsIn(folder: string): Promise<Moment[]> {
  const all = join(folder, 'moments')
  if (!(await ownerOf(folder)) || !existsSync(all)) {
    throw new KaosError(
      'NOT_FOUND',
      `${folder} holds no backup; make one with: kaos admin backup -o ${folder}`,
    )
  }
  const names = (await readdir(all)).filter(name => !name.startsWith(BEGUN)).toSorted()
  return Promise.all(names.map(name => momentAt(all, name)))
}

/** The one of this name, or the newest. */
export async function momentIn(folder: string, wanted: string | undefined): Promise<Moment> {
  const moments = await momentsIn(folder)
  const found = wanted === undefined ? moments.at(-1) : moments.find(one => one.name === wanted)
  if (found) return found
  const names = moments.map(one => one.name).join(', ')
  const what =
    wanted === undefined ? `${folder} holds no whole backup` : `there is no ${wanted} in ${folder}`
  throw new KaosError('NOT_FOUND', `${what}${names && `; there are ${names}`}`)
}

export async function dropMoment({ folder }: Moment): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

async function momentAt(all: string, name: string): Promise<Moment> {
  const folder = join(all, name)
  const manifest = JSON.parse(await readFile(join(folder, 'backup.json'), 'utf8')) as Manifest
  if (manifest.version !== 1) {
    throw new KaosError('SCHEMA_NEWER', `${folder} was written by a newer kaos; use that version`)
  }
  return { name, folder, ledger: join(folder, 'ledger.sqlite'), manifest }
}

export async function factsOf(file: string): Promise<Manifest['ledger']> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of createReadStream(file)) {
    hash.update(piece as Buffer)
    bytes += (piece as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function durably(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flush: true })
}

async function synced(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync()
  await handle.close()
}
