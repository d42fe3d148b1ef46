/* Puts a backup into an empty installation: first every object, then the ledger, so that whenever it is
 * broken off there is no ledger yet, and the same command goes on. */
import { join } from 'node:path'
import { digestFromRaw } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import type { Head, Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { Mark } from '../care/mark.ts'
import { recordsBelow } from '../ledger-reads.ts'
import { openVault } from '../proofs/vault.ts'
import type { Manifest, Moment } from './folder.ts'

export interface Target {
  /** How many statements the ledger there holds; undefined when there is none. */
  held(): Promise<number | undefined>
  /** With this id if there is none yet. */
  openStore(id: string): Promise<Store>
  /** Puts the ledger of this file there, verifies it and answers its head. */
  placeLedger(file: string): Promise<Head>
  readonly secretKeyFile: string
  tell(text: string): void
}

export interface Source {
  readonly moment: Moment
  /** A copy of its ledger, opened; and in which file that is. */
  readonly ledger: Ledger
  readonly file: string
  readonly store: Store
}

export interface Restored extends Head {
  readonly objects: number
  readonly bytes: number
  readonly missing: readonly string[]
}

const TURN_BYTES = 128 * 1024 * 1024
const DIGEST = 32
const LOOK = 1024

export async function restoreInto(target: Target, source: Source): Promise<Restored> {
  const { manifest } = source.moment
  await requireEmptyLedger(target)
  await requireSecretKey(source.ledger, target, manifest)
  await requireSame(await source.ledger.head(), manifest)
  const store = await target.openStore(manifest.store)
  try {
    await requireOwnStore(store, manifest)
    const wanted = await neededBy(source)
    target.tell(`${wanted.length / DIGEST} objects are needed`)
    const put = await putAll(wanted, source.store, store, target)
    target.tell('every object is there; now the ledger')
    const head = await target.placeLedger(source.file)
    await requireSame(head, manifest)
    return { ...head, ...put }
  } finally {
    await store.close()
  }
}

async function requireEmptyLedger(target: Target): Promise<void> {
  const held = await target.held()
  if (held === undefined || held === 0) return
  const what = `there is a ledger of ${held} statements already`
  const next = 'restore into an empty data folder (--data), an empty database and an empty bucket'
  throw new KaosError('CONFLICT', `${what}; ${next}`)
}

/** A store may be there if it is this one: that of a restore that was broken off, or one that outlived
 * its ledger. */
async function requireOwnStore(store: Store, manifest: Manifest): Promise<void> {
  if (store.id === manifest.store) return
  const what = `the store there is another one (${store.id}, not ${manifest.store})`
  throw new KaosError('CONFLICT', `${what}; restore into an empty folder or bucket`)
}

async function requireSame({ size, root }: Head, manifest: Manifest): Promise<void> {
  if (size === manifest.size && root === manifest.root) return
  const what = `the ledger has the root ${root}, and the backup's checkpoint ${manifest.root}`
  throw new KaosError('LEDGER_DAMAGED', `${what}; restore another moment (--list)`)
}

/** What the ledger holds sealed must open, or the restored server would not start. */
async function requireSecretKey(
  ledger: Ledger,
  { secretKeyFile }: Target,
  manifest: Manifest,
): Promise<void> {
  for await (const { value } of recordsBelow(ledger, 'signing-key/')) {
    try {
      openVault(secretKeyFile, false).open('signing key', (value as { sealed: string }).sealed)
    } catch (cause) {
      const what = `the secrets of this backup are sealed under the key that was ${manifest.secretKeyFile} on its server`
      const next = `put a copy of that file at ${secretKeyFile} (mode 600), or name it with KAOS_SECRET_KEY_FILE`
      throw new KaosError('CONFIGURATION', `${what}; ${next}`, { cause })
    }
    return
  }
}

/** Digests of everything that the ledger keeps, 32 bytes each. */
export async function neededBy({
  ledger,
  store,
}: Pick<Source, 'ledger' | 'store'>): Promise<Buffer> {
  const all: Buffer[] = []
  const mark = new Mark({ ledger, store }, { met: raw => void all.push(Buffer.from(raw)) })
  await mark.everything(() => {})
  return Buffer.concat(all)
}

async function putAll(wanted: Buffer, from: Store, to: Store, { tell }: Target) {
  const missing: string[] = []
  let [objects, bytes, at] = [0, 0, 0]

  async function* turn(): AsyncGenerator<Uint8Array> {
    for (const until = bytes + TURN_BYTES; bytes < until && at < wanted.length; ) {
      const digests = Array.from({ length: LOOK }, (_, i) => at + i * DIGEST)
        .filter(start => start < wanted.length)
        .map(start => digestFromRaw(wanted.subarray(start, start + DIGEST)))
      at += digests.length * DIGEST
      const here = await to.has(digests)
      for (const [i, digest] of digests.entries()) {
        if (here[i]) continue
        const object = await from.get(digest).catch(() => undefined)
        if (object === undefined) missing.push(digest)
        else {
          objects++
          bytes += object.length
          yield object
        }
      }
    }
  }

  while (at < wanted.length) {
    await to.put(turn())
    tell(`${objects} objects restored, ${Math.round(bytes / 1e6)} MB`)
  }
  return { objects, bytes, missing }
}

export const ledgerFileIn = (data: string) => join(data, 'ledger.sqlite')
