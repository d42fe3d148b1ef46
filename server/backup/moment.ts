/* The moment that a backup is of: a copy of the ledger, signed, and the digests of all that it keeps.
 * The collector is held off before the copy is made, so what the copy keeps stays until the backup has
 * it. */
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Actor, DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { BackupBegun, BackupNeeded } from '../../api/backup.ts'
import { frameHeader } from '../../api/transfer/protocol.ts'
import { versionOf } from '../../api/version.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { COLLECTING, type Lease, takeLease } from '../care/lease.ts'
import { Mark } from '../care/mark.ts'
import type { Rooms } from '../rooms.ts'

/** Copies the ledger into this file as it is at one moment, and opens the copy. */
export type Snapshot = (file: string) => Promise<Ledger>

const TOLD_EVERY_MS = 2000
const PIECE = 1024 * 1024
const DIGEST = 32
export const COPY = 'backup-'

/** CONFLICT when a collection or another backup runs. */
export async function beginMoment(rooms: Rooms, actor: Actor): Promise<Lease> {
  const { ledger, now, people } = rooms
  const lease = await takeLease(COLLECTING, { ledger, now, agent: people.system.id })
  try {
    await ledger.commit({
      actor: actor.id,
      organisation: DEFAULT_ORGANISATION,
      statements: [{ type: 'backup.begun', detail: { backup: lease.holder } }],
    })
    // The key that signs has to be in the copy.
    await rooms.keys.current()
    return lease
  } catch (error) {
    await lease.release()
    throw error
  }
}

export async function* momentFrames(
  rooms: Rooms,
  snapshot: Snapshot,
  lease: Lease,
): AsyncGenerator<Buffer> {
  const { data } = rooms.settings
  let whole = false
  const folder = await mkdtemp(join(data, COPY))
  try {
    const file = join(folder, 'ledger.sqlite')
    const copy = yield* meanwhile(snapshot(file))
    try {
      const checkpoint = await rooms.proofs.signed(await copy.head())
      yield* frame('S', await begun(rooms, lease, checkpoint))
      const needed = new Needed()
      const marked = needed.find(copy, rooms.store)
      // It is awaited after the file has gone out.
      marked.catch(() => undefined)
      for await (const piece of createReadStream(file, { highWaterMark: PIECE })) {
        yield* frame('L', piece as Buffer)
      }
      const trouble = yield* meanwhile(marked)
      for (const block of needed.blocks()) yield* frame('D', block)
      const { objects, bytes } = needed
      const end: BackupNeeded = { objects, bytes, ...(trouble !== undefined && { trouble }) }
      yield* frame('E', end)
      await lease.leave()
      whole = true
    } finally {
      await copy.close()
    }
  } finally {
    if (!whole) await lease.release()
    await rm(folder, { recursive: true, force: true })
  }
}

async function begun(
  { ledger, store, keys, settings }: Rooms,
  lease: Lease,
  checkpoint: BackupBegun['checkpoint'],
): Promise<BackupBegun> {
  return {
    lease: lease.holder,
    kaos: versionOf(),
    installation: ledger.id,
    store: store.id,
    checkpoint,
    keys: (await keys.list()).map(({ jwk }) => jwk),
    secretKeyFile: resolve(settings.secretKeyFile ?? join(settings.data, 'secret.key')),
  }
}

/** Digests in the order in which they are met: what belongs together lies together. */
class Needed {
  readonly #blocks: Buffer[] = []
  #last = Buffer.alloc(0)
  #filled = 0
  objects = 0
  bytes = 0

  /** Answers why it may not be all. */
  async find(ledger: Ledger, store: Rooms['store']): Promise<string | undefined> {
    const mark = new Mark({ ledger, store }, { met: (raw, size) => this.#add(raw, size) })
    await mark.everything(() => {})
    return mark.trouble
  }

  #add(raw: Buffer, size: number): void {
    if (this.#filled === this.#last.length) {
      this.#last = Buffer.alloc(PIECE)
      this.#blocks.push(this.#last)
      this.#filled = 0
    }
    raw.copy(this.#last, this.#filled)
    this.#filled += DIGEST
    this.objects++
    this.bytes += size
  }

  *blocks(): Generator<Buffer> {
    for (const block of this.#blocks) {
      yield block === this.#last ? block.subarray(0, this.#filled) : block
    }
  }
}

/** Says that it is at work for as long as that takes. */
async function* meanwhile<T>(work: Promise<T>): AsyncGenerator<Buffer, T> {
  for (;;) {
    const over = new AbortController()
    const pause = sleep(TOLD_EVERY_MS, 'pause', { signal: over.signal }).catch(() => 'pause')
    const done = work.then(() => 'done')
    try {
      if ((await Promise.race([done, pause])) === 'done') return await work
    } finally {
      over.abort()
    }
    yield* frame('W', Buffer.alloc(0))
  }
}

function* frame(letter: string, said: object): Generator<Buffer> {
  const bytes = Buffer.isBuffer(said) ? said : Buffer.from(JSON.stringify(said))
  yield frameHeader(bytes.length + 1)
  yield Buffer.from(letter)
  if (bytes.length > 0) yield bytes
}

/** What a process that was killed has left of its backups. */
export async function sweepCopies(data: string): Promise<void> {
  for (const name of await readdir(data)) {
    if (name.startsWith(COPY)) await rm(join(data, name), { recursive: true, force: true })
  }
}
