/* A stream of any length as pieces that fit into memory: each is stored by itself, and stored again
 * when a collection took away what it relied on. */
import { createHash, type Hash } from 'node:crypto'
import { type Digest, digestOf } from '../../api/digest.ts'
import { FileList } from '../../api/transfer/list.ts'
import type { TarCutter } from '../../store/tar-cuts.ts'

/** Of a stream: one piece is made while another is stored. */
const PIECE_MAX = 16 * 1024 * 1024
const PIECE_MIN = 1024 * 1024
/** Bytes of the pieces that are made at the same time, in this process. The more streams come, the
 * smaller are their pieces. */
const ROOM = 96 * 1024 * 1024
let streams = 0

function pieceSize(): number {
  return Math.max(PIECE_MIN, Math.min(PIECE_MAX, ROOM / Math.max(1, streams)))
}

export interface Piece {
  readonly chunks: readonly Uint8Array[]
  readonly digests: readonly Digest[]
  /** A file list of these chunks alone. */
  readonly list: Buffer
  readonly bytes: number
}

export class PieceMaker {
  #chunks: Uint8Array[] = []
  #digests: Digest[] = []
  #list = new FileList()

  get bytes(): number {
    return this.#list.size
  }

  add(chunk: Uint8Array): void {
    const digest = digestOf(chunk)
    this.#chunks.push(chunk)
    this.#digests.push(digest)
    this.#list.add(digest, chunk.length)
  }

  /** What was added since the last time. */
  take(): Piece {
    const piece = {
      chunks: this.#chunks,
      digests: this.#digests,
      list: this.#list.encoded(),
      bytes: this.#list.size,
    }
    this.#chunks = []
    this.#digests = []
    this.#list = new FileList()
    return piece
  }
}

/** The pieces that are full. What is certain but does not fill one stays in `making`, what is not yet
 * certain in the cutter. */
export async function* fullPieces(
  source: AsyncIterable<Uint8Array>,
  cutter: TarCutter,
  making: PieceMaker,
): AsyncGenerator<Piece, void, undefined> {
  streams++
  try {
    for await (const bytes of source) {
      for (const chunk of cutter.push(bytes)) {
        making.add(chunk)
        if (making.bytes >= pieceSize()) yield making.take()
      }
    }
  } finally {
    streams--
  }
}

/** Does the work for one item after the other, each while the next one is fetched already. Answers what
 * the last work did. */
export async function oneBehind<Item, State>(
  items: AsyncIterable<Item>,
  state: State,
  work: (state: State, item: Item) => Promise<State>,
): Promise<State> {
  let working = (async (): Promise<State> => state)()
  try {
    for await (const item of items) {
      const before = await working
      working = work(before, item)
      // Met when its turn comes; until then a failure must not count as unhandled.
      working.catch(() => undefined)
    }
  } finally {
    await working.catch(() => undefined)
  }
  return working
}

export type HashName = 'sha256' | 'sha512' | 'md5'

/** Several hashes of the same bytes. */
export class Hashes {
  readonly #hashes: ReadonlyMap<HashName, Hash>

  constructor(names: readonly HashName[]) {
    this.#hashes = new Map(names.map(name => [name, createHash(name)]))
  }

  async *over(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of source) {
      this.update(bytes)
      yield bytes
    }
  }

  update(bytes: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(bytes)
  }

  /** Hex digits of each, of all bytes so far; more may come. */
  get(): Record<string, string> {
    const digests = Array.from(this.#hashes, ([name, hash]) => [name, hash.copy().digest('hex')])
    return Object.fromEntries(digests)
  }
}
