/* What is measured, from fixed seeds, so that two machines make the same bytes: W1 a model of 1 GiB,
 * W4 the same with 1 % changed in twenty places, W2 a data set of 10,000 files, W2' its next version,
 * W3 100,000 tiny files, W5 a source bundle. `scale` makes them smaller for a trial: the shape stays,
 * blocks and folders become fewer. Nothing holds more than a block in memory. */
import { Random } from './random.ts'

export interface MadeFile {
  readonly path: string
  readonly size: number
  /** The content; a block is overwritten by the next one. */
  blocks(): Iterable<Uint8Array>
}

export interface Workload {
  readonly name: 'w1' | 'w4' | 'w2' | 'w2-changed' | 'w3' | 'w5'
  readonly seed: number
  readonly about: string
  files(scale: number): Iterable<MadeFile>
}

const BLOCK = 4 * 1024 * 1024
export const MODEL_FILE = 'model.bin'

export const W1: Workload = {
  name: 'w1',
  seed: 1,
  about: 'one file of 1 GiB of random bytes: a model',
  *files(scale) {
    const size = modelSize(scale)
    yield { path: MODEL_FILE, size, blocks: () => model(size) }
  },
}

export const W4: Workload = {
  name: 'w4',
  seed: 4,
  about: 'W1 with 1 % changed in 20 places, every second one an insertion',
  *files(scale) {
    const places = changesOf(modelSize(scale))
    const inserted = places.filter(one => one.inserts).length * (places[0]?.length ?? 0)
    const size = modelSize(scale) + inserted
    yield { path: MODEL_FILE, size, blocks: () => changedModel(modelSize(scale), places) }
  },
}

export const W2: Workload = {
  name: 'w2',
  seed: 2,
  about: '10,000 text files of 80,000 to 134,000 bytes in 100 folders: a data set',
  *files(scale) {
    const folders = count(100, scale)
    for (let index = 0; index < folders * 100; index++) {
      yield textFile(setPath(index), `w2 2 ${index}`)
    }
  },
}

/** Only the files that are new or other than in W2: to be laid over it. */
export const W2_CHANGED: Workload = {
  name: 'w2-changed',
  seed: 22,
  about: 'W2 with 50 files rewritten and 50 new ones in a folder of their own',
  *files(scale) {
    const files = count(100, scale) * 100
    const half = count(50, scale)
    const random = new Random('w2-changed 22')
    const chosen = new Set<number>()
    while (chosen.size < half) chosen.add(random.below(files))
    for (const index of [...chosen].sort((a, b) => a - b)) {
      yield textFile(setPath(index), `w2-changed 22 ${index}`, 107_000)
    }
    for (let index = 0; index < half; index++) {
      yield textFile(`new/${digits(index, 3)}.txt`, `w2-changed 22 new ${index}`, 107_000)
    }
  },
}

export const W3: Workload = {
  name: 'w3',
  seed: 3,
  about: '100,000 text files of 2,048 bytes in 100 folders',
  *files(scale) {
    const folders = count(100, scale)
    for (let index = 0; index < folders * 1000; index++) {
      const path = `${digits(Math.floor(index / 1000), 3)}/${digits(index % 1000, 4)}.txt`
      yield textFile(path, `w3 3 ${index}`, 2048)
    }
  },
}

export const W5: Workload = {
  name: 'w5',
  seed: 5,
  about: '2,000 files of 10,240 bytes like source code in folders of 50: a source bundle',
  *files(scale) {
    const folders = count(40, scale)
    for (let index = 0; index < folders * 50; index++) {
      const path = `module${digits(Math.floor(index / 50), 2)}/part${digits(index % 50, 2)}.py`
      yield { path, size: 10_240, blocks: () => [source(new Random(`w5 5 ${index}`), 10_240)] }
    }
  },
}

export const WORKLOADS = [W1, W4, W2, W2_CHANGED, W3, W5] as const

/** Bytes that W4 changes of W1. */
export function changedBytes(scale: number): number {
  return changesOf(modelSize(scale)).reduce((sum, one) => sum + one.length, 0)
}

function count(whole: number, scale: number): number {
  return Math.max(1, Math.round(whole * scale))
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

function modelSize(scale: number): number {
  return count(256, scale) * BLOCK
}

function* model(size: number): Generator<Uint8Array> {
  const random = new Random('w1 1')
  const block = new Uint8Array(BLOCK)
  for (let made = 0; made < size; made += BLOCK) {
    random.fill(block)
    yield block
  }
}

interface Change {
  readonly at: number
  readonly length: number
  /** Else it overwrites. */
  readonly inserts: boolean
}

/** One in each twentieth: 0, 2, 4 … overwrite, 1, 3, 5 … insert. */
function changesOf(size: number): Change[] {
  const random = new Random('w4 4')
  const length = Math.floor(size / 100 / 20)
  return Array.from({ length: 20 }, (_, place) => {
    const from = Math.floor((size / 20) * place)
    const room = Math.floor(size / 20) - length
    return { at: from + random.below(room), length, inserts: place % 2 === 1 }
  })
}

function* changedModel(size: number, changes: readonly Change[]): Generator<Uint8Array> {
  let from = 0
  const left = [...changes]
  const random = new Random('w4 4 bytes')
  for (const block of model(size)) {
    const end = from + block.length
    let here = from
    // An overwriting change may reach into blocks to come.
    for (let next = left[0]; next !== undefined && next.at < end; next = left[0]) {
      if (next.at > here) yield block.subarray(here - from, next.at - from)
      here = Math.max(here, next.at)
      const fresh = new Uint8Array(Math.min(next.length, next.inserts ? Infinity : end - here))
      random.fill(fresh)
      yield fresh
      if (!next.inserts) here += fresh.length
      left.shift()
      const rest = next.length - fresh.length
      if (rest > 0) {
        left.unshift({ at: end, length: rest, inserts: false })
        break
      }
    }
    if (here < end) yield block.subarray(here - from)
    from = end
  }
}

function setPath(index: number): string {
  return `${digits(Math.floor(index / 100), 3)}/${digits(index % 100, 3)}.txt`
}

function textFile(path: string, label: string, fixed?: number): MadeFile {
  const random = new Random(label)
  const size = fixed ?? 80_000 + random.below(54_001)
  return { path, size, blocks: () => [text(random, size)] }
}

/** A fixed table of 256 words of 2 to 9 letters. */
const WORDS = (() => {
  const random = new Random('words')
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  return Array.from({ length: 256 }, () => {
    const length = 2 + random.below(8)
    const word = Array.from({ length }, () => letters[random.below(26)])
    return Buffer.from(`${word.join('')} `)
  })
})()

/** Half-compressible: again and again 512 random bytes and 90 words joined by blanks. */
function text(random: Random, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const drawn = new Uint8Array(512)
  for (let at = 0; at < size; ) {
    random.fill(drawn)
    at = copy(drawn, bytes, at)
    random.fill(drawn.subarray(0, 92))
    for (let word = 0; word < 90; word++) at = copy(WORDS[drawn[word]!]!, bytes, at)
    // No blank after the last word.
    at--
  }
  return bytes
}

/** Lines of words behind two to eight blanks. */
function source(random: Random, size: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x20)
  for (let at = 0; at < size; ) {
    at += 2 * (1 + random.below(4))
    const words = 3 + random.below(6)
    for (let word = 0; word < words; word++) at = copy(WORDS[random.below(256)]!, bytes, at)
    if (at <= size) bytes[at - 1] = 0x0a
  }
  return bytes
}

function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  const room = to.length - at
  if (room > 0) to.set(from.length > room ? from.subarray(0, room) : from, at)
  return at + from.length
}
