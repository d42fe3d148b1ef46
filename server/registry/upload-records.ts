/* Uploads under way, as records of the ledger: what was acknowledged is still there after a crash.
 *
 *   oci-upload/<id>           whose it is, how far it came, and what lies behind the last chunk
 *   oci-part/<id>/<8 digits>  file lists of the chunks, in order
 *
 * An upload that nobody goes on with for a day is forgotten; its bytes are noted under its id
 * (server/transfer/notes.ts), and afterwards the collector's. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { isId, newId } from '../../api/ids.ts'
import type { Expectation, Json, RecordWrite } from '../../graph/ledger.ts'
import type { CutState } from '../../store/tar-cuts.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'

const LIFE_MS = 24 * 3600_000

export type Algorithm = 'sha256' | 'sha512'

/** Who may go on with an upload, and where it is to be. */
export interface Owner {
  readonly ws: string
  readonly repository: string
  readonly actor: string
  readonly organisation: string
}

export interface Upload extends Owner {
  readonly id: string
  readonly algorithm: Algorithm
  /** Bytes that are durable. */
  readonly offset: number
  readonly parts: number
  /** Bytes behind the last chunk, an object of the store. */
  readonly tail: { readonly digest: Digest; readonly length: number } | null
  /** Where the cutter stood; null when that was lost, or nothing came yet. */
  readonly state: CutState | null
  /** Of the record. */
  readonly version: number
}

interface Advance {
  /** List of a part that was put. */
  readonly part: Digest | undefined
  readonly notes: readonly RecordWrite[]
  readonly expect: readonly Expectation[]
}

export class UploadRecords {
  readonly #parts: Pick<Rooms, 'ledger' | 'transfer' | 'now'>

  constructor(parts: Pick<Rooms, 'ledger' | 'transfer' | 'now'>) {
    this.#parts = parts
  }

  open(owner: Owner, algorithm: Algorithm): Promise<Upload> {
    const id = newId(this.#parts.now())
    const start = { offset: 0, parts: 0, tail: null, state: null, version: 0 }
    return this.advance(
      { id, ...owner, algorithm, ...start },
      { part: undefined, notes: [], expect: [] },
    )
  }

  async find(id: string, owner: Owner): Promise<Upload> {
    const record = isId(id) ? await recordAt(this.#parts.ledger, keyOf(id)) : undefined
    const value = record?.value as unknown as Omit<Upload, 'id' | 'version'> | undefined
    const isOwn =
      value?.ws === owner.ws && value.repository === owner.repository && value.actor === owner.actor
    if (value && record && isOwn) return { ...value, id, version: record.version }
    throw new KaosError('UPLOAD_NOT_FOUND', `there is no upload ${id} here; begin a new one`)
  }

  /** Writes how far it came, with what was put for it. CONFLICT when another server went on with it. */
  async advance(upload: Upload, { part, notes, expect }: Advance): Promise<Upload> {
    const { ledger, now } = this.#parts
    const { id, version, ...value } = upload
    const expires = now() + LIFE_MS
    const records: RecordWrite[] = [
      { key: keyOf(id), value: value as unknown as Json, expires },
      ...notes,
    ]
    if (part !== undefined) {
      const key = `${partsOf(id)}${String(upload.parts).padStart(8, '0')}`
      // As long as its notes.
      records.push({ key, value: part, expires: now() + 7 * LIFE_MS })
    }
    const { versions } = await ledger.commit({
      actor: upload.actor,
      organisation: upload.organisation,
      expect: [...expect, { record: keyOf(id), version }],
      records,
    })
    return { ...upload, version: versions[0]! }
  }

  /** The lists of its parts, in order. */
  async *parts(id: string): AsyncGenerator<Digest> {
    for await (const { value } of recordsBelow(this.#parts.ledger, partsOf(id))) {
      yield value as Digest
    }
  }

  /** What a commit must write and expect to end it. */
  ending({ id, version }: Upload): { records: RecordWrite[]; expect: Expectation[] } {
    const key = keyOf(id)
    return { records: [{ key, value: null }], expect: [{ record: key, version }] }
  }

  async end(upload: Upload): Promise<void> {
    const { actor, organisation } = upload
    await this.#parts.ledger.commit({ actor, organisation, ...this.ending(upload) })
  }

  /** Forgets what an ended upload leaves. */
  async sweep({ id, actor, organisation }: Upload): Promise<void> {
    const gone: RecordWrite[] = []
    for await (const { key } of recordsBelow(this.#parts.ledger, partsOf(id))) {
      gone.push({ key, value: null })
    }
    if (gone.length > 0) await this.#parts.ledger.commit({ actor, organisation, records: gone })
    await this.#parts.transfer.end(id)
  }
}

function keyOf(id: string): string {
  return `oci-upload/${id}`
}

function partsOf(id: string): string {
  return `oci-part/${id}/`
}
