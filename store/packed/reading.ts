/* Reading objects out of packs. Who reads one object after the other, as they were put, gets them
 * from a few large reads instead of many small ones. */
import { hash } from 'node:crypto'
import { OBJECT_MAX } from '../../api/tree.ts'
import { HEADER } from './blocks.ts'
import type { Place } from './catalog.ts'
import { MAGIC } from './packs.ts'
import type { Placed } from './segments.ts'
import { packName, type Shelf, Unreadable } from './shelf.ts'

/** What is read at once from a pack that is read in order, from a disk and over the network. */
const AHEAD = { own: 1024 * 1024, shared: 2 * 1024 * 1024 }
/** Reads kept, of all packs together. */
const WINDOWS = 12
/** Objects of a file that are not read leave gaps of up to this. */
const GAP = 64 * 1024
/** Reads in order before more is read than was asked for. */
const RUN = 2
/** A smaller object is copied, so that whoever keeps it does not keep what lies around it. */
const COPIED = 16 * 1024
const PACKS = 256

interface Window {
  readonly pack: string
  readonly start: number
  readonly end: number
  readonly bytes: Promise<Buffer>
}

/** Where somebody is in a pack. */
interface Trail {
  next: number
  run: number
}

export class PackReading {
  readonly #shelf: Shelf
  /** The last used is the last. */
  #windows: Window[] = []
  readonly #trails = new Map<string, Trail>()

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  /** The object's bytes, verified unless `unchecked`, or why they cannot be had. */
  async object(raw: Buffer, place: Place, unchecked = false): Promise<Buffer | string> {
    const isRight = (bytes: Buffer) => unchecked || isObject(raw, bytes)
    try {
      const ahead = await this.#fromWindow(place)
      if (ahead !== undefined && isRight(ahead)) return own(ahead)
      // What was read ahead may have been changed by whoever got the bytes before.
      const bytes = await readExactly(this.#shelf, place)
      return isRight(bytes) ? bytes : 'its bytes are others'
    } catch (error) {
      if (error instanceof Unreadable) return error.message
      throw error
    }
  }

  async #fromWindow({ pack, offset, length }: Place): Promise<Buffer | undefined> {
    const end = offset + length
    const inOrder = this.#follow(pack, offset, end)
    let window = this.#windows.find(
      one => one.pack === pack && one.start <= offset && end <= one.end,
    )
    if (window === undefined) {
      if (!inOrder || length > AHEAD.own / 2) return undefined
      const size = this.#shelf.shared ? AHEAD.shared : AHEAD.own
      const bytes = this.#shelf.read(packName(pack), offset, size)
      window = { pack, start: offset, end: offset + size, bytes }
    }
    this.#windows = [...this.#windows.filter(one => one !== window), window].slice(-WINDOWS)
    // If it failed, what is asked for is read by itself, and tells why.
    const bytes = await window.bytes.catch(() => undefined)
    if (bytes === undefined) {
      this.#windows = this.#windows.filter(one => one !== window)
      return undefined
    }
    const at = offset - window.start
    return at + length <= bytes.length ? bytes.subarray(at, at + length) : undefined
  }

  /** Whether this read goes on where earlier ones ended. */
  #follow(pack: string, offset: number, end: number): boolean {
    const trail = this.#trails.get(pack) ?? { next: Infinity, run: 0 }
    const near = offset >= trail.next && offset - trail.next <= GAP
    this.#trails.delete(pack)
    this.#trails.set(pack, { next: end, run: near ? trail.run + 1 : 0 })
    const [oldest] = this.#trails.keys()
    if (this.#trails.size > PACKS && oldest !== undefined) this.#trails.delete(oldest)
    return near && trail.run + 1 >= RUN
  }
}

/** Throws Unreadable unless all of the bytes are there. */
async function readExactly(shelf: Shelf, { pack, offset, length }: Place): Promise<Buffer> {
  if (length > OBJECT_MAX) throw new Unreadable('it is larger than an object can be')
  const bytes = await shelf.read(packName(pack), offset, length)
  if (bytes.length < length) throw new Unreadable('its pack is cut short')
  return bytes
}

export function isObject(raw: Buffer, bytes: Uint8Array): boolean {
  return hash('sha256', bytes, 'buffer').equals(raw)
}

function own(bytes: Buffer): Buffer {
  return bytes.length < COPIED ? Buffer.from(bytes) : bytes
}

/** A pack that is read from its beginning to its end, in large pieces. */
export class PackPieces {
  readonly #shelf: Shelf
  readonly #pack: string
  #piece: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(shelf: Shelf, pack: string) {
    this.#shelf = shelf
    this.#pack = pack
  }

  /** What is wrong with the first bytes. */
  async beginning(): Promise<string | undefined> {
    const bytes = await this.take(0, MAGIC.length).catch(error => {
      if (!(error instanceof Unreadable)) throw error
    })
    return bytes === undefined || bytes.equals(MAGIC) ? undefined : 'does not begin as a pack'
  }

  /** An object, fewer bytes where the pack ends, and the length that stands before it. */
  async framed(offset: number, length: number): Promise<{ header: number; bytes: Buffer }> {
    const framed = await this.take(offset - HEADER, HEADER + length)
    const header = framed.length < HEADER ? -1 : framed.readUInt32BE()
    return { header, bytes: framed.subarray(HEADER) }
  }

  /** These bytes; fewer where the pack ends. Throws Unreadable. */
  async take(at: number, length: number): Promise<Buffer> {
    if (at < this.#start || at + length > this.#start + this.#piece.length) {
      this.#start = at
      this.#piece = await this.#read(at, length)
    }
    return this.#piece.subarray(at - this.#start, at - this.#start + length)
  }

  /** Much at once; where the disk fails somewhere in that, only what was asked for. */
  async #read(at: number, length: number): Promise<Buffer> {
    const size = this.#shelf.shared ? AHEAD.shared : AHEAD.own
    try {
      return await this.#shelf.read(packName(this.#pack), at, Math.max(length, size))
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      return this.#shelf.read(packName(this.#pack), at, length)
    }
  }
}

/** All objects of a pack, as far as the lengths in it lead. */
export async function* objectsIn(
  shelf: Shelf,
  pack: string,
): AsyncGenerator<{ offset: number; bytes: Buffer }, void, undefined> {
  const pieces = new PackPieces(shelf, pack)
  for (let at = MAGIC.length; ; ) {
    const header = await pieces.take(at, HEADER)
    if (header.length < HEADER) return
    const length = header.readUInt32BE()
    if (length > OBJECT_MAX) return
    const offset = at + HEADER
    const { bytes } = await pieces.framed(offset, length)
    if (bytes.length < length) return
    yield { offset, bytes }
    at = offset + length
  }
}

/** What lies in a pack, by reading all of it: for a pack whose segment is damaged. An object that
 * is damaged as well appears under another digest and is garbage. */
export async function scanPack(shelf: Shelf, pack: string): Promise<Placed[]> {
  const objects: Placed[] = []
  for await (const { offset, bytes } of objectsIn(shelf, pack)) {
    objects.push({ raw: hash('sha256', bytes, 'buffer'), offset, length: bytes.length })
  }
  return objects
}
