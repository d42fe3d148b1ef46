/* Packs: immutable files of many objects, each behind its length (u32, big-endian), behind the four
 * bytes "KP1\0". A pack counts only together with its segment; one without is garbage. */
import { newId } from '../../api/ids.ts'
import { HEADER } from './blocks.ts'
import { SegmentMaker } from './segments.ts'
import { packName, type Shelf, segmentName, type Writing } from './shelf.ts'

/** A pack is closed at about this size, or with about so many objects. */
const PACK_BYTES = 48 * 1024 * 1024
const PACK_OBJECTS = 16 * 1024
export const MAGIC = Buffer.from('KP1\0', 'latin1')

/** A pack whose bytes are durable, but not yet its name. */
export interface Pack {
  readonly id: string
  /** Its segment, encoded. */
  readonly segment: Buffer
}

/** Objects as they stand in a pack, each behind its length, and their digests. */
export interface Batch {
  readonly bytes: Buffer
  readonly raws: Buffer
  readonly count: number
}

/** Objects on their way into a batch. */
export class FrameBatch {
  #parts: Buffer[] = []
  #raws: Buffer[] = []
  bytes = 0

  add(raw: Buffer, object: Buffer): void {
    const header = Buffer.alloc(HEADER)
    header.writeUInt32BE(object.length)
    this.#parts.push(header, object)
    this.#raws.push(raw)
    this.bytes += HEADER + object.length
  }

  /** What was added, and begins anew. */
  take(): Batch {
    const batch = {
      bytes: Buffer.concat(this.#parts),
      raws: Buffer.concat(this.#raws),
      count: this.#raws.length,
    }
    this.#parts = []
    this.#raws = []
    this.bytes = 0
    return batch
  }
}

class PackWriter {
  readonly id: string
  readonly #writing: Writing
  readonly #segment = new SegmentMaker()
  #length = 0

  constructor(id: string, writing: Writing) {
    this.id = id
    this.#writing = writing
  }

  get full(): boolean {
    return this.#length >= PACK_BYTES || this.#segment.count >= PACK_OBJECTS
  }

  async add({ bytes, raws, count }: Batch): Promise<void> {
    const start = Math.max(this.#length, MAGIC.length)
    let at = 0
    for (let i = 0; i < count; i++) {
      const length = bytes.readUInt32BE(at)
      this.#segment.add(raws, i * 32, start + at + HEADER, length)
      at += HEADER + length
    }
    await this.#write(bytes)
  }

  /** An object that is too large for a batch. */
  async addLarge(raw: Buffer, object: Uint8Array): Promise<void> {
    const header = Buffer.alloc(HEADER)
    header.writeUInt32BE(object.length)
    await this.#write(header)
    this.#segment.add(raw, 0, this.#length, object.length)
    await this.#write(object)
  }

  /** Makes the bytes durable. */
  async seal(): Promise<Pack> {
    await this.#writing.finish()
    return { id: this.id, segment: this.#segment.encode(this.id) }
  }

  abandon(): Promise<void> {
    return this.#writing.abandon()
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const whole = this.#length === 0 ? Buffer.concat([MAGIC, bytes]) : bytes
    await this.#writing.write(whole)
    this.#length += whole.length
  }
}

/** Writes objects into as many packs as they need. One pack is made durable while the next is
 * filled. */
export class PackSeries {
  readonly #shelf: Shelf
  #ids: string[] = []
  readonly #packs: Pack[] = []
  #writer: PackWriter | undefined
  #sealing: Promise<void> = Promise.resolve()

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  async add(batch: Batch): Promise<void> {
    if (batch.count > 0) await this.#into(writer => writer.add(batch))
  }

  addLarge(raw: Buffer, object: Uint8Array): Promise<void> {
    return this.#into(writer => writer.addLarge(raw, object))
  }

  /** The packs, when the bytes of all are durable. From now on they are the caller's. */
  async end(): Promise<readonly Pack[]> {
    await this.#seal()
    await this.#sealing
    this.#ids = []
    return this.#packs
  }

  /** Leaves no pack behind that has not become the caller's. */
  async discard(): Promise<void> {
    await this.#sealing.catch(() => undefined)
    await this.#writer?.abandon().catch(() => undefined)
    this.#writer = undefined
    await this.#shelf.remove(this.#ids.splice(0).map(packName))
  }

  async #into(write: (writer: PackWriter) => Promise<void>): Promise<void> {
    this.#writer ??= await this.#begin()
    await write(this.#writer)
    if (this.#writer.full) await this.#seal()
  }

  async #begin(): Promise<PackWriter> {
    const id = newId()
    this.#ids.push(id)
    return new PackWriter(id, await this.#shelf.begin(packName(id)))
  }

  async #seal(): Promise<void> {
    await this.#sealing
    const writer = this.#writer
    if (writer === undefined) return
    this.#writer = undefined
    this.#sealing = writer.seal().then(pack => {
      this.#packs.push(pack)
    })
    // Its failure is met by the next seal; until then it must not count as unhandled.
    this.#sealing.catch(() => undefined)
  }
}

/** Segment first, for good: a pack without one is garbage, a segment without its pack would be a
 * lie. */
export async function removePacks(shelf: Shelf, packs: readonly string[]): Promise<void> {
  if (packs.length === 0) return
  await shelf.remove(packs.map(segmentName))
  await shelf.settle('packs')
  await shelf.remove(packs.map(packName))
  // Another server may have made a segment anew meanwhile (remaking.ts).
  if (shelf.shared) await shelf.remove(packs.map(segmentName))
}
