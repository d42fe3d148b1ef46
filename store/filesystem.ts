/* The store in a folder.
 *
 *   store.json      who this store is
 *   packs/          *.pack the objects (packs.ts), *.idx what each pack holds (segments.ts)
 *   marks/          which copies were removed or found damaged (segments.ts)
 *   index.sqlite    the catalog: a cache of *.idx and marks (catalog.ts)
 *
 * Nothing is ever changed in place. An object counts from the moment its segment has its name. One
 * process at a time may have the folder open; who locks it is the server. */
import { hash } from 'node:crypto'
import { mkdir, statfs } from 'node:fs/promises'
import { type Digest, digestFromRaw, rawOf } from '../api/digest.ts'
import { OBJECT_MAX } from '../api/tree.ts'
import type { Place } from './catalog.ts'
import { Committer, Draft } from './commit.ts'
import { diskFiles, type Files, Layout } from './files.ts'
import { identityOf } from './identity.ts'
import { LiveCatalog } from './live-catalog.ts'
import { removePacks } from './packs.ts'
import { PackReaders, Unreadable } from './reading.ts'
import { readSegment, writeMark } from './recovery.ts'
import { closed, damaged, refusal, removedMeanwhile, tooLarge, unknown } from './refusals.ts'
import type { Copy, Placed } from './segments.ts'
import type { Damage, Stats, Store } from './store.ts'

/** So many digests are looked up before others get a turn. */
const SLICE = 1024

/** Opens the store in this folder, or makes one. `files` is for tests that let the disk fail. */
export async function openFilesystemStore(
  folder: string,
  files: Files = diskFiles,
): Promise<Store> {
  const layout = new Layout(folder)
  await mkdir(layout.packs, { recursive: true, mode: 0o700 })
  await mkdir(layout.marks, { recursive: true, mode: 0o700 })
  await files.syncFolder(layout.root)
  const id = await identityOf(files, layout)
  return new FilesystemStore(id, files, layout, await LiveCatalog.open(files, layout))
}

class FilesystemStore implements Store {
  readonly id: string
  readonly #files: Files
  readonly #layout: Layout
  readonly #catalog: LiveCatalog
  readonly #committer: Committer
  readonly #readers: PackReaders
  #closing: Promise<void> | undefined

  constructor(id: string, files: Files, layout: Layout, catalog: LiveCatalog) {
    this.id = id
    this.#files = files
    this.#layout = layout
    this.#catalog = catalog
    this.#committer = new Committer(files, layout, catalog.ask)
    this.#readers = new PackReaders(layout)
  }

  async has(digests: readonly Digest[]): Promise<boolean[]> {
    return (await this.sizes(digests)).map(size => size !== undefined)
  }

  async sizes(digests: readonly Digest[]): Promise<(number | undefined)[]> {
    const sizes: (number | undefined)[] = []
    for (let at = 0; at < digests.length; at += SLICE) {
      if (at > 0) await new Promise(resolve => setImmediate(resolve))
      const raws = digests.slice(at, at + SLICE).map(rawOf)
      sizes.push(...(await this.#catalog.ask(catalog => raws.map(raw => catalog.size(raw)))))
    }
    return sizes
  }

  async put(objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Digest[]> {
    const draft = new Draft(this.#files, this.#layout)
    try {
      for await (const object of objects) await this.#bring(draft, object)
      if (!draft.empty) await this.#committer.commit(draft)
      for (const raw of draft.relied) {
        if ((await this.#size(raw)) === undefined) throw removedMeanwhile(digestFromRaw(raw))
      }
      return draft.digests
    } catch (error) {
      await draft.discard().catch(() => undefined)
      throw refusal(error)
    }
  }

  async get(digest: Digest): Promise<Uint8Array> {
    const raw = rawOf(digest)
    for (;;) {
      const place = await this.#catalog.ask(catalog => catalog.locate(raw))
      if (place === undefined) throw await this.#absent(raw)
      const found = await this.#read(raw, place)
      if (typeof found !== 'string') return found
      await this.#setAside({ raw, pack: place.pack }, place)
    }
  }

  async remove(digests: readonly Digest[]): Promise<void> {
    const raws = digests.map(rawOf)
    const copies = await this.#catalog.ask(catalog => {
      const found = raws.flatMap(raw => catalog.copies(raw))
      // From now on no put relies on them; a new copy of the same bytes is another copy.
      catalog.hide(found)
      return found
    })
    if (copies.length === 0) return
    try {
      const mark = await writeMark(this.#files, this.#layout, 'gone', copies)
      const emptied = await this.#catalog.ask(catalog => {
        catalog.addMark(mark)
        return catalog.drop(copies)
      })
      await removePacks(this.#files, this.#layout, emptied)
      for (const pack of emptied) this.#readers.forget(pack)
    } catch (error) {
      throw refusal(error)
    } finally {
      await this.#catalog.ask(catalog => catalog.show(copies))
    }
  }

  async *list(): AsyncIterable<{ digest: Digest; size: number }> {
    let after: Buffer = Buffer.alloc(0)
    for (;;) {
      const page = await this.#catalog.ask(catalog => catalog.page(after, SLICE))
      for (const { raw, size } of page) yield { digest: digestFromRaw(raw), size }
      const last = page.at(-1)
      if (last === undefined) return
      after = last.raw
    }
  }

  async *check(): AsyncIterable<Damage> {
    const told = new Set<Digest>()
    for (const pack of await this.#catalog.ask(catalog => catalog.packs())) {
      const objects = (await readSegment(this.#files, this.#layout, pack)) ?? []
      for (const placed of objects.toSorted((a, b) => a.offset - b.offset)) {
        const reason = await this.#checkCopy(pack, placed)
        if (reason === undefined) continue
        const digest = digestFromRaw(placed.raw)
        if (told.has(digest) || (await this.#size(placed.raw)) !== undefined) continue
        told.add(digest)
        yield { digest, reason }
      }
    }
  }

  async stats(): Promise<Stats> {
    const total = await this.#catalog.ask(catalog => catalog.total())
    const { bavail, bsize } = await statfs(this.#layout.root)
    return { ...total, freeBytes: bavail * bsize }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#committer.idle()
      await this.#catalog.close()
      await this.#readers.close()
    })()
    return this.#closing
  }

  async #bring(draft: Draft, object: Uint8Array): Promise<void> {
    if (this.#closing !== undefined) throw closed()
    if (object.length > OBJECT_MAX) throw tooLarge(object.length)
    const raw = hash('sha256', object, 'buffer')
    const digest = digestFromRaw(raw)
    draft.digests.push(digest)
    if (draft.holds(digest)) return
    if ((await this.#size(raw)) === undefined) await draft.add(digest, raw, object)
    else draft.relied.push(raw)
  }

  #size(raw: Buffer): Promise<number | undefined> {
    return this.#catalog.ask(catalog => catalog.size(raw))
  }

  /** The object's bytes, or why they cannot be had. */
  async #read(raw: Buffer, { pack, offset, length }: Place): Promise<Buffer | string> {
    if (this.#closing !== undefined) throw closed()
    try {
      const bytes = await this.#readers.read(pack, offset, length)
      return hash('sha256', bytes, 'buffer').equals(raw) ? bytes : 'its bytes are others'
    } catch (error) {
      if (error instanceof Unreadable) return error.message
      throw error
    }
  }

  /** Marks a copy as damaged, unless it was removed meanwhile or the catalog was to blame. */
  async #setAside(copy: Copy, read: Omit<Place, 'pack'>): Promise<void> {
    const catalog = await this.#catalog.ask(current => current)
    const now = catalog.copy(copy)
    if (now === undefined || now.damaged) return
    const segment = await readSegment(this.#files, this.#layout, copy.pack)
    const listed = segment?.find(({ raw }) => raw.equals(copy.raw))
    const wrong = listed?.offset !== read.offset || listed.length !== read.length
    if (segment !== undefined && wrong) return this.#catalog.rebuild(catalog)
    // On a full disk the damage is remembered until the next start, and then found again.
    const mark = await writeMark(this.#files, this.#layout, 'bad', [copy]).catch(() => undefined)
    await this.#catalog.ask(current => {
      current.setDamaged([copy])
      if (mark !== undefined) current.addMark(mark)
    })
  }

  async #checkCopy(pack: string, placed: Placed): Promise<string | undefined> {
    const copy = { raw: placed.raw, pack }
    const known = await this.#catalog.ask(catalog => catalog.copy(copy))
    if (known === undefined) return undefined
    const found = await this.#read(placed.raw, { pack, ...placed })
    if (typeof found !== 'string') return known.damaged ? 'it was found damaged before' : undefined
    await this.#setAside(copy, placed)
    return found
  }

  async #absent(raw: Buffer): Promise<Error> {
    const copies = await this.#catalog.ask(catalog =>
      catalog.copies(raw).filter(copy => catalog.copy(copy) !== undefined),
    )
    const digest = digestFromRaw(raw)
    return copies.length === 0 ? unknown(digest) : damaged(digest, 'its bytes were set aside')
  }
}
