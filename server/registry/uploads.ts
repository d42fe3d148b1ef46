/* Uploads of blobs, in as many requests as the client likes.
 *
 * Bytes are cut as they come; each piece is stored and acknowledged in the upload's record, so what a
 * broken request brought is not asked for again. Behind the last chunk lie bytes that are not cut yet:
 * they are kept as an object of their own, and the next request cuts on from there.
 *
 * Hashes cannot be written down half-way. They are held in memory; where they were lost (a restart,
 * another server) they are computed anew from the store. */
import { type Digest, digestOf } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { FileList } from '../../api/transfer/list.ts'
import { type Paused, PLAIN, TarCutter } from '../../store/tar-cuts.ts'
import { blobKey, blobWrites, examineFile, fileBlob, hashesOf } from '../blobs/blobs.ts'
import { fullPieces, Hashes, oneBehind, type Piece, PieceMaker } from '../blobs/pieces.ts'
import { addAll, takeBlob } from '../blobs/take.ts'
import { openTurns } from '../jobs/turns.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import { notesOf } from '../transfer/notes.ts'
import { type Algorithm, type Owner, type Upload, UploadRecords } from './upload-records.ts'

export type Body = AsyncIterable<Uint8Array>
/** Refuses what does not go on where the upload stands. */
type Check = (offset: number) => void

/** Uploads whose hashes are held. */
const HELD_MAX = 256

interface Held {
  readonly hashes: Hashes
  readonly offset: number
}

/** A file that is put when its blob is made. */
interface Making {
  readonly file: Digest
  readonly size: number
  keep(): Promise<unknown>
}

export class Uploads {
  readonly #parts: Rooms
  readonly #records: UploadRecords
  readonly #turns = openTurns()
  readonly #held = new Map<string, Held>()

  constructor(parts: Rooms) {
    this.#parts = parts
    this.#records = new UploadRecords(parts)
  }

  open(owner: Owner, algorithm: Algorithm): Promise<Upload> {
    return this.#records.open(owner, algorithm)
  }

  /** UPLOAD_NOT_FOUND when there is none, or it is not this one's. */
  find(id: string, owner: Owner): Promise<Upload> {
    return this.#records.find(id, owner)
  }

  /** Takes the body; durable when it resolves. Of a body that breaks off, what came is kept. */
  append(id: string, owner: Owner, body: Body, check: Check): Promise<Upload> {
    return this.#turns.take(id, async () => {
      const upload = await this.#records.find(id, owner)
      check(upload.offset)
      return this.#append(upload, body)
    })
  }

  /** Takes what is left and makes a blob of all of it. DIGEST_MISMATCH ends the upload. */
  finish(id: string, owner: Owner, body: Body, check: Check, digest: string): Promise<void> {
    return this.#turns.take(id, async () => {
      let upload = await this.#records.find(id, owner)
      check(upload.offset)
      try {
        if (upload.offset === 0) await this.#take(owner, body, digest, upload)
        else {
          upload = await this.#append(upload, body)
          await this.#finish(owner, upload, digest)
        }
      } catch (error) {
        if (isKaosError(error, 'DIGEST_MISMATCH')) await this.#end(upload)
        throw error
      }
      this.#held.delete(id)
      await this.#records.sweep(upload)
    })
  }

  cancel(id: string, owner: Owner): Promise<void> {
    return this.#turns.take(id, async () => this.#end(await this.#records.find(id, owner)))
  }

  /** A blob in one go. */
  take(owner: Owner, body: Body, digest: string): Promise<void> {
    return this.#take(owner, body, digest)
  }

  async #take(owner: Owner, body: Body, digest: string, upload?: Upload): Promise<void> {
    const session = upload?.id ?? newId()
    try {
      const order = { session, source: body, hashes: [algorithmOf(digest)] }
      const blob = await takeBlob(this.#parts, order)
      requireSame(digest, blob.hashes)
      await this.#settle(owner, digest, blob, upload)
    } finally {
      if (upload === undefined) await this.#parts.transfer.end(session)
    }
  }

  async #append(upload: Upload, body: Body): Promise<Upload> {
    const hashes = await this.#hashesOf(upload)
    const cutter = await this.#cutterOf(upload)
    const making = new PieceMaker()
    const { bytes, requireWhole } = unbroken(hashes.over(body))
    const pieces = fullPieces(bytes, cutter, making)
    const firm = await oneBehind(pieces, upload, (at, piece) => this.#keep(at, piece))
    const at = await this.#keep(firm, making.take(), cutter.pause())
    this.#hold(upload.id, { hashes, offset: at.offset })
    requireWhole()
    return at
  }

  /** Puts a piece, and what is not cut yet, and writes down how far that came. */
  async #keep(upload: Upload, piece: Piece, rest?: Paused): Promise<Upload> {
    const { store, intake, space, now } = this.#parts
    await space.require(piece.bytes)
    const part = piece.digests.length > 0 ? digestOf(piece.list) : undefined
    const objects: Uint8Array[] = part === undefined ? [] : [...piece.chunks, piece.list]
    const named = part === undefined ? [] : [...piece.digests, part]
    const tail = rest === undefined || rest.tail.length === 0 ? null : tailOf(rest.tail)
    if (rest !== undefined && tail !== null) {
      objects.push(rest.tail)
      named.push(tail.digest)
    }
    const firm = upload.offset - (upload.tail?.length ?? 0) + piece.bytes
    const progress = {
      offset: firm + (tail?.length ?? 0),
      parts: upload.parts + (part === undefined ? 0 : 1),
      tail,
      state: rest?.state ?? null,
    }
    return intake.relying(async expect => {
      await store.put(objects)
      const notes = notesOf(upload.id, named, now())
      return this.#records.advance({ ...upload, ...progress }, { part, notes, expect })
    })
  }

  async #finish(owner: Owner, upload: Upload, digest: string): Promise<void> {
    const hashes = (await this.#hashesOf(upload)).get()
    const algorithm = algorithmOf(digest)
    const making = await this.#assemble(upload)
    if (hashes[algorithm] === undefined) {
      await making.keep()
      const blob = fileBlob(this.#parts.store, making.file, making.size)
      Object.assign(hashes, await hashesOf(blob, [algorithm]))
    }
    requireSame(digest, hashes)
    await this.#settle(owner, digest, making, upload)
  }

  /** All parts of an upload as one file. */
  async #assemble(upload: Upload): Promise<Making> {
    const { store } = this.#parts
    const whole = new FileList()
    for await (const part of this.#records.parts(upload.id)) addAll(whole, await store.get(part))
    const last = new PieceMaker()
    for (const chunk of (await this.#cutterOf(upload)).end()) last.add(chunk)
    const { chunks, list: rest } = last.take()
    addAll(whole, rest)
    const list = whole.encoded()
    const keep = () => store.put([...chunks, list])
    return { file: digestOf(list), size: whole.size, keep }
  }

  /** The blob is the repository's, and the upload is over. */
  async #settle(owner: Owner, digest: string, making: Making, upload?: Upload): Promise<void> {
    const { ledger, intake, now } = this.#parts
    const { ws, repository, actor, organisation } = owner
    const end = upload && this.#records.ending(upload)
    const again = await recordAt(ledger, blobKey(ws, repository, digest))
    await intake.relying(async expect => {
      await making.keep()
      if (again) await this.#heal(making)
      const at = new Date(now()).toISOString()
      const value = { file: making.file, size: making.size, at, by: actor }
      await ledger.commit({
        actor,
        organisation,
        expect: [...expect, ...(end?.expect ?? [])],
        records: [...blobWrites(ws, repository, digest, value), ...(end?.records ?? [])],
      })
    })
  }

  /** Who pushes a blob once more may have found it damaged: that it is here proves nothing. */
  async #heal({ file, keep }: Making): Promise<void> {
    const { store } = this.#parts
    if (await examineFile(store, file)) return
    await keep()
    if (await examineFile(store, file)) return
    const message = 'stored bytes of this blob are damaged; push it once more to heal it'
    throw new KaosError('UNAVAILABLE', message)
  }

  async #end(upload: Upload): Promise<void> {
    await this.#records.end(upload)
    this.#held.delete(upload.id)
    await this.#records.sweep(upload)
  }

  #hold(id: string, held: Held): void {
    this.#held.delete(id)
    this.#held.set(id, held)
    const oldest = this.#held.keys().next().value
    if (this.#held.size > HELD_MAX && oldest !== undefined) this.#held.delete(oldest)
  }

  /** The hashes of what the upload has; the caller's until they are held again. */
  async #hashesOf(upload: Upload): Promise<Hashes> {
    const held = this.#held.get(upload.id)
    this.#held.delete(upload.id)
    if (held?.offset === upload.offset) return held.hashes
    const { store } = this.#parts
    const hashes = new Hashes(upload.algorithm === 'sha256' ? ['sha256'] : ['sha256', 'sha512'])
    for await (const part of this.#records.parts(upload.id)) {
      const blob = fileBlob(store, part, Number.MAX_SAFE_INTEGER)
      for await (const bytes of blob.read()) hashes.update(bytes)
    }
    hashes.update(await this.#tailOf(upload))
    return hashes
  }

  async #cutterOf(upload: Upload): Promise<TarCutter> {
    if (upload.offset === 0) return new TarCutter()
    return new TarCutter({ state: upload.state ?? PLAIN.state, tail: await this.#tailOf(upload) })
  }

  async #tailOf({ tail }: Upload): Promise<Uint8Array> {
    return tail === null ? new Uint8Array() : this.#parts.store.get(tail.digest)
  }
}

function tailOf(bytes: Uint8Array): NonNullable<Upload['tail']> {
  return { digest: digestOf(bytes), length: bytes.length }
}

/** The bytes until they end or break off; then `requireWhole` throws why. */
function unbroken(body: Body) {
  let broken: { readonly error: unknown } | undefined
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body
    } catch (error) {
      broken = { error }
    }
  }
  return {
    bytes: bytes(),
    requireWhole() {
      if (broken !== undefined) throw broken.error
    },
  }
}

function algorithmOf(digest: string): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

function requireSame(digest: string, hashes: Readonly<Record<string, string>>): void {
  const algorithm = algorithmOf(digest)
  const found = `${algorithm}:${hashes[algorithm]}`
  if (found === digest) return
  const message = `the bytes are ${found}, not ${digest}; send them again`
  throw new KaosError('DIGEST_MISMATCH', message, { detail: { expected: digest, found } })
}
