/* Bytes that another tool sends whole (OCI, DVC, Git LFS) become a file of the store. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { type Digest, digestOf } from '../../api/digest.ts'
import { chunksIn, FileList } from '../../api/transfer/list.ts'
import { PLAIN, TarCutter } from '../../store/tar-cuts.ts'
import type { Rooms } from '../rooms.ts'
import { notesOf } from '../transfer/notes.ts'
import { fullPieces, Hashes, type HashName, oneBehind, type Piece, PieceMaker } from './pieces.ts'

export type BlobParts = Pick<Rooms, 'ledger' | 'store' | 'people' | 'intake' | 'space' | 'now'>

export interface BlobOrder {
  /** Under which the pieces of a long stream are noted until a fact or record names the file: a name
   * of its own (`newId()`). End it afterwards: `transfer.end(session)`. */
  readonly session: string
  readonly source: AsyncIterable<Uint8Array>
  readonly hashes: readonly HashName[]
  /** Cut as a file of a pushed folder is, also if it is an archive: equal files are then one. */
  readonly plain?: boolean
}

export interface TakenBlob {
  /** Names the list of the file's chunks. */
  readonly file: Digest
  readonly size: number
  /** Hex digits, of each hash that was asked for. */
  readonly hashes: Readonly<Record<string, string>>
  /** Whether it is still in memory alone: `transfer.end` is not needed then. */
  readonly held: boolean
  /** Makes the file durable: what is held (a stream that is one piece), and the list. Call it inside
   * `intake.relying`, before the commit that names the file; it may be called again. */
  keep(): Promise<void>
  /** The same, noted under the session: for a file that is named later. */
  keepNoted(): Promise<void>
}

/** Takes the whole stream. Pieces of a long one are durable and noted when it resolves. */
export async function takeBlob(parts: BlobParts, order: BlobOrder): Promise<TakenBlob> {
  const cutter = new TarCutter(order.plain ? PLAIN : undefined)
  const making = new PieceMaker()
  const hashes = new Hashes(order.hashes)
  const whole = new FileList()
  await parts.space.require()
  let held = true
  const pieces = fullPieces(hashes.over(order.source), cutter, making)
  await oneBehind<Piece, void>(pieces, undefined, async (_, piece) => {
    held = false
    addAll(whole, piece.list)
    await keepPiece(parts, order.session, piece)
  })
  for (const chunk of cutter.end()) making.add(chunk)
  const last = making.take()
  addAll(whole, last.list)
  if (!held) await keepPiece(parts, order.session, last)
  const list = whole.encoded()
  const file = digestOf(list)
  const chunks = held ? [...last.chunks, list] : [list]
  const digests = held ? [...last.digests, file] : [file]
  return {
    file,
    size: whole.size,
    hashes: hashes.get(),
    held,
    async keep() {
      await parts.store.put(chunks)
    },
    keepNoted: () => keepPiece(parts, order.session, { chunks, digests, bytes: whole.size }),
  }
}

async function keepPiece(
  parts: BlobParts,
  session: string,
  piece: Omit<Piece, 'list'>,
): Promise<void> {
  const { ledger, store, people, intake, space, now } = parts
  await space.require(piece.bytes)
  await intake.relying(async expect => {
    await store.put(piece.chunks)
    const records = notesOf(session, piece.digests, now())
    if (records.length === 0) return
    await ledger.commit({
      actor: people.system.id,
      organisation: DEFAULT_ORGANISATION,
      expect,
      records,
    })
  })
}

/** Adds the chunks of an encoded list to another. */
export function addAll(whole: FileList, list: Uint8Array): void {
  for (const { digest, length } of chunksIn(list)) whole.add(digest, length)
}
