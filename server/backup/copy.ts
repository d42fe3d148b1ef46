/* Makes a backup: the ledger as the server says it is, verified against its own checkpoint; then the
 * objects that it needs and the folder does not have, each verified by its digest. What came stays when
 * it is broken off, so the next one goes on. */
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BackupBegun, BackupNeeded } from '../../api/backup.ts'
import { openCheckpoint } from '../../api/checkpoint.ts'
import { digestFromRaw } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { publicKeyOf } from '../../api/signing-keys.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { claim, factsOf, type Manifest, type Moment, newMoment } from './folder.ts'
import type { Remote } from './remote.ts'

export interface Tools {
  /** Of the folder: the store there, with this id if it is made now. */
  openStore(id: string): Promise<Store>
  openLedger(file: string): Promise<Ledger>
  /** The file is to be one file. */
  seal(file: string): void
  /** Objects that are asked for at once, and bytes after which they are durable: so much is lost at
   * most when it is broken off. */
  readonly turn?: { readonly objects: number; readonly bytes: number }
  tell(text: string): void
}

export interface Copied {
  readonly moment: Moment
  readonly copied: { readonly objects: number; readonly bytes: number }
}

const TURN = { objects: 1024, bytes: 128 * 1024 * 1024 }
const DIGEST = 32
/** Digests that are looked up at once. */
const LOOK_BYTES = 4096 * DIGEST
/** Waits when a collection runs, or the server is away. */
const AGAIN_MS = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 30_000, 30_000, 60_000]

/** Tries again, from a new moment on, when a collection runs or the server goes away for a while. */
export async function copyFrom(remote: Remote, folder: string, tools: Tools): Promise<Copied> {
  for (let turn = 0; ; turn++) {
    try {
      return await copyOnce(remote, folder, tools)
    } catch (error) {
      const wait = AGAIN_MS[turn]
      if (wait === undefined || !isPassing(error)) throw error
      tools.tell(`${error.message}; trying again`)
      await sleep(wait)
    }
  }
}

function isPassing(error: unknown): error is KaosError {
  const passing = ['UNREACHABLE', 'UNAVAILABLE', 'TOO_MANY_REQUESTS'] as const
  if (passing.some(code => isKaosError(error, code))) return true
  return isKaosError(error, 'CONFLICT') && error.detail.folder === undefined
}

async function copyOnce(remote: Remote, folder: string, tools: Tools): Promise<Copied> {
  const moment = await newMoment(folder)
  const { begun, needed, wanted } = await takeLedger(remote, moment.ledger, folder)
  const store = await tools.openStore(begun.store)
  try {
    tools.tell(`the ledger is here: ${begun.checkpoint.size} statements; verifying it`)
    const sound = requireSound(moment.ledger, begun, tools)
    // It is awaited in any case.
    sound.catch(() => undefined)
    const fetching = fetchMissing({ remote, store, tools, lease: begun.lease }, wanted)
    const { copied, missing } = await fetching.finally(() => sound)
    const manifest = await manifestOf(moment.ledger, begun, needed, missing)
    const finished = await moment.finish(manifest)
    await remote.end(begun.lease).catch(() => undefined)
    return { moment: finished, copied }
  } catch (error) {
    await remote.end(begun.lease).catch(() => undefined)
    throw error
  } finally {
    await store.close()
  }
}

/** Writes the ledger, and collects the digests that it needs. */
async function takeLedger(remote: Remote, file: string, folder: string) {
  let begun: BackupBegun | undefined
  let needed: BackupNeeded | undefined
  const wanted: Buffer[] = []
  const handle = await open(file, 'w', 0o600)
  try {
    for await (const said of remote.begin()) {
      if (said.is === 'ledger') await handle.writeFile(said.bytes)
      // A view of what comes in would keep all of it.
      else if (said.is === 'digests') wanted.push(Buffer.from(said.raw))
      else if (said.is === 'needed') needed = said.needed
      else {
        begun = said.begun
        await claim(folder, begun)
      }
    }
    await handle.sync()
  } catch (error) {
    if (begun) await remote.end(begun.lease).catch(() => undefined)
    throw error
  } finally {
    await handle.close()
  }
  if (!begun || !needed) throw new KaosError('UNREACHABLE', 'the server said too little; try again')
  return { begun, needed, wanted }
}

/** LEDGER_DAMAGED or SIGNATURE_INVALID when the copy is not what its checkpoint says. */
async function requireSound(file: string, begun: BackupBegun, tools: Tools): Promise<void> {
  const { checkpoint, keys } = begun
  const known = keys.map(key => ({ name: checkpoint.origin, publicKey: publicKeyOf(key) }))
  const signed = openCheckpoint(checkpoint.note, known)
  const ledger = await tools.openLedger(file)
  try {
    const { size, root } = await ledger.head()
    const findings = await ledger.verify()
    if (findings.length === 0 && signed.size === size && signed.root === root) return
    const why = findings[0] ?? `its root is ${root}, not ${signed.root}`
    const next = 'make it again; should that be the same: kaos ledger verify --full'
    throw new KaosError('LEDGER_DAMAGED', `the copy of the ledger is not sound: ${why}; ${next}`)
  } finally {
    await ledger.close()
    tools.seal(file)
  }
}

interface Fetching {
  readonly remote: Remote
  readonly store: Store
  readonly tools: Tools
  readonly lease: string
}

async function fetchMissing({ remote, store, tools, lease }: Fetching, wanted: readonly Buffer[]) {
  const copied = { objects: 0, bytes: 0 }
  const missing: string[] = []
  const turn = tools.turn ?? TURN
  const batches = batchesOf(store, wanted, turn.objects)
  let over = false

  /** What one `put` takes. */
  async function* arriving(asked: Buffer[]): AsyncGenerator<Uint8Array> {
    const until = copied.bytes + turn.bytes
    while (copied.bytes < until) {
      const { value: batch, done } = await batches.next()
      if (done) {
        over = true
        return
      }
      asked.push(...batch)
      for await (const object of remote.objects(lease, Buffer.concat(batch))) {
        copied.objects++
        copied.bytes += object.length
        yield object
      }
    }
  }

  while (!over) {
    const asked: Buffer[] = []
    const came = new Set(await store.put(arriving(asked)))
    missing.push(...asked.map(digestFromRaw).filter(digest => !came.has(digest)))
    if (!over) tools.tell(`${copied.objects} objects copied, ${Math.round(copied.bytes / 1e6)} MB`)
  }
  return { copied, missing }
}

/** The digests that the store lacks, so many at a time. */
async function* batchesOf(
  store: Store,
  wanted: readonly Buffer[],
  objects: number,
): AsyncGenerator<Buffer[]> {
  let batch: Buffer[] = []
  for (const block of wanted) {
    for (let at = 0; at < block.length; at += LOOK_BYTES) {
      const raws = split(block.subarray(at, at + LOOK_BYTES))
      const here = await store.has(raws.map(digestFromRaw))
      for (const [i, raw] of raws.entries()) {
        if (here[i]) continue
        if (batch.push(raw) < objects) continue
        yield batch
        batch = []
      }
    }
  }
  if (batch.length > 0) yield batch
}

function split(block: Buffer): Buffer[] {
  const count = Math.floor(block.length / DIGEST)
  return Array.from({ length: count }, (_, i) => block.subarray(i * DIGEST, (i + 1) * DIGEST))
}

async function manifestOf(
  file: string,
  { kaos, installation, store, checkpoint, keys, secretKeyFile }: BackupBegun,
  { objects, bytes, trouble }: BackupNeeded,
  missing: readonly string[],
): Promise<Manifest> {
  const { at, size, root, note } = checkpoint
  return {
    ...{ kind: 'kaos backup', version: 1, kaos, installation, store, at, size, root },
    ...{ checkpoint: note, keys, secretKeyFile, ledger: await factsOf(file) },
    ...{ objects, bytes, missing, trouble },
  }
}
