/* Packs: immutable files of many objects, each behind its length (u32, big-endian), behind the four
 * bytes "KP1\0". A pack counts only together with its segment; one without is garbage. */
import { hash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { newId } from '../api/ids.ts'
import { OBJECT_MAX } from '../api/tree.ts'
import type { Files, Layout, NewFile } from './files.ts'
import type { Placed } from './segments.ts'

/** A pack is closed at about this size, or with so many objects: the catalog takes a pack in one
 * transaction, which must be short. */
const PACK_BYTES = 48 * 1024 * 1024
const PACK_OBJECTS = 8192
const BUFFER = 1024 * 1024
const HEADER = 4
const MAGIC = Buffer.from('KP1\0', 'latin1')

/** A pack whose bytes are durable, but not yet its name. */
export interface Pack {
  readonly id: string
  readonly objects: readonly Placed[]
}

/** Writes one pack. While one buffer is written the other is filled. */
class PackWriter implements Pack {
  readonly id: string
  readonly objects: Placed[] = []
  readonly #file: NewFile
  #filling = Buffer.allocUnsafeSlow(BUFFER)
  #spare = Buffer.allocUnsafeSlow(BUFFER)
  #filled: number
  #flushed = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(id: string, file: NewFile) {
    this.id = id
    this.#file = file
    this.#filled = MAGIC.copy(this.#filling)
  }

  get full(): boolean {
    return this.#flushed + this.#filled >= PACK_BYTES || this.objects.length >= PACK_OBJECTS
  }

  async add(raw: Buffer, object: Uint8Array): Promise<void> {
    if (this.#filled + HEADER > BUFFER) await this.#flush()
    this.#filled = this.#filling.writeUInt32BE(object.length, this.#filled)
    this.objects.push({ raw, offset: this.#flushed + this.#filled, length: object.length })
    for (let at = 0; at < object.length; ) {
      if (this.#filled === BUFFER) await this.#flush()
      const part = object.subarray(at, at + BUFFER - this.#filled)
      this.#filling.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
    }
  }

  /** Makes the bytes durable and lets go of the file. */
  async seal(): Promise<void> {
    try {
      await this.#flush()
      await this.#writing
      await this.#file.sync()
    } finally {
      await this.#close()
    }
  }

  async abandon(): Promise<void> {
    await this.#close()
  }

  async #flush(): Promise<void> {
    await this.#writing
    const bytes = this.#filling.subarray(0, this.#filled)
    this.#writing = this.#file.write(bytes)
    // Its failure is met by the next flush; until then it must not count as unhandled.
    this.#writing.catch(() => undefined)
    this.#flushed += this.#filled
    this.#filled = 0
    const spare = this.#spare
    this.#spare = this.#filling
    this.#filling = spare
  }

  async #close(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#file.close()
  }
}

/** Writes objects into as many packs as they need. One pack is synced while the next is filled. */
export class PackSeries {
  readonly #files: Files
  readonly #layout: Layout
  readonly #packs: PackWriter[] = []
  #writer: PackWriter | undefined
  #sealing: Promise<void> = Promise.resolve()

  constructor(files: Files, layout: Layout) {
    this.#files = files
    this.#layout = layout
  }

  async add(raw: Buffer, object: Uint8Array): Promise<void> {
    this.#writer ??= await this.#begin()
    await this.#writer.add(raw, object)
    if (this.#writer.full) await this.#seal()
  }

  /** The packs, when the bytes of all are durable. */
  async end(): Promise<readonly Pack[]> {
    await this.#seal()
    await this.#sealing
    return this.#packs
  }

  /** Leaves no pack behind, sealed or not. */
  async discard(): Promise<void> {
    await this.#sealing.catch(() => undefined)
    await this.#writer?.abandon().catch(() => undefined)
    this.#writer = undefined
    const packs = this.#packs.splice(0).map(pack => pack.id)
    await removePacks(this.#files, this.#layout, packs)
  }

  async #begin(): Promise<PackWriter> {
    const id = newId()
    const writer = new PackWriter(id, await this.#files.create(this.#layout.pack(id)))
    this.#packs.push(writer)
    return writer
  }

  async #seal(): Promise<void> {
    await this.#sealing
    const writer = this.#writer
    if (writer === undefined) return
    this.#writer = undefined
    this.#sealing = writer.seal()
    this.#sealing.catch(() => undefined)
  }
}

/** Segment first: a pack without one is garbage, a segment without its pack would be a lie. */
export async function removePacks(
  files: Files,
  layout: Layout,
  packs: readonly string[],
): Promise<void> {
  for (const id of packs) await files.remove(layout.segment(id))
  for (const id of packs) await files.remove(layout.pack(id))
}

/** What lies in a pack, by reading all of it: for a pack whose segment is damaged. An object that
 * is damaged as well appears under another digest and is garbage. */
export async function scanPack(path: string): Promise<Placed[]> {
  const handle = await open(path, 'r')
  try {
    const objects: Placed[] = []
    const header = Buffer.alloc(HEADER)
    for (let at = MAGIC.length; ; ) {
      const { bytesRead } = await handle.read(header, 0, HEADER, at)
      const length = header.readUInt32BE()
      if (bytesRead < HEADER || length > OBJECT_MAX) return objects
      const offset = at + HEADER
      const object = Buffer.allocUnsafeSlow(length)
      const read = await handle.read(object, 0, length, offset)
      if (read.bytesRead < length) return objects
      objects.push({ raw: hash('sha256', object, 'buffer'), offset, length })
      at = offset + length
    }
  } finally {
    await handle.close()
  }
}
