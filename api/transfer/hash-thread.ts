/* A second thread that reads parts of an open file and takes the digests of their pieces. */
import type { Worker } from 'node:worker_threads'

/** Plain JavaScript in a text: a thread that had to load and translate files would start too late. */
const THREAD = `
const { parentPort } = require('node:worker_threads')
const { hash } = require('node:crypto')
const { readSync } = require('node:fs')
let memory = Buffer.alloc(0)
parentPort.on('message', ({ fd, offset, lengths }) => {
  const total = lengths.reduce((sum, length) => sum + length, 0)
  if (memory.length < total) memory = Buffer.allocUnsafeSlow(total)
  let read = 0
  for (let more = 1; more > 0 && read < total; read += more) {
    more = readSync(fd, memory, read, total - read, offset + read)
  }
  const digests = Buffer.alloc(lengths.length * 32)
  for (let i = 0, from = 0; i < lengths.length && from + lengths[i] <= read; from += lengths[i++]) {
    hash('sha256', memory.subarray(from, from + lengths[i]), 'buffer').copy(digests, i * 32)
  }
  parentPort.postMessage(digests, [digests.buffer])
})`

export interface Part {
  readonly fd: number
  readonly offset: number
  /** Of the pieces, one after the other. */
  readonly lengths: readonly number[]
}

interface Waiting {
  readonly resolve: (digests: Uint8Array) => void
  readonly reject: (error: Error) => void
}

export class HashThread {
  readonly #thread = startThread()
  readonly #waiting: Waiting[] = []
  #broken: Error | undefined

  constructor() {
    this.#thread.on('message', digests => this.#waiting.shift()?.resolve(digests))
    this.#thread.on('error', error => {
      this.#broken = error
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    })
  }

  /** Parts that it was given and has not answered. */
  get underway(): number {
    return this.#waiting.length
  }

  /** The digests of the pieces, 32 raw bytes each; zeros for those behind the file's end. Parts are
   * read in the order in which they are given. */
  digests(part: Part): Promise<Uint8Array> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#thread.postMessage({ fd: part.fd, offset: part.offset, lengths: part.lengths })
    })
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }
}

/** Most pushes need none: the module is loaded for those that do. */
function startThread(): Worker {
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  return new Worker(THREAD, {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  })
}
