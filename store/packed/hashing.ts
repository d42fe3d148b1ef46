/* Hashing blocks, beside everything else: on a thread of its own once there is much to hash, else,
 * and while that thread has enough to do, here. The thread starts when much has been hashed, since its
 * start costs as much as hashing 100 MB, and does not keep the process alive. */
import { hash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { BLOCK, type Block, HEADER } from './blocks.ts'

/** Plain JavaScript in a text: a thread that loads and translates files takes 0.1 s more of CPU to start.
 * It hashes the objects of blocks where they lie. */
const THREAD = `
const { hash } = require('node:crypto')
const { parentPort } = require('node:worker_threads')
parentPort.on('message', ({ memory, count }) => {
  const bytes = Buffer.from(memory, 0, ${BLOCK})
  const raws = Buffer.from(memory, ${BLOCK})
  for (let i = 0, at = 0; i < count; i++) {
    const end = at + ${HEADER} + bytes.readUInt32BE(at)
    hash('sha256', bytes.subarray(at + ${HEADER}, end), 'buffer').copy(raws, i * 32)
    at = end
  }
  parentPort.postMessage(memory, [memory])
})
parentPort.postMessage(undefined)`

/** What the thread is given: the memory of a block, and how many objects lie in it. */
interface Task {
  readonly memory: ArrayBuffer
  readonly count: number
}

/** Less than this is hashed faster than a thread is told of it. */
const LITTLE = 256 * 1024
/** Bytes that are hashed here before the thread is started. */
const MUCH = 32 * 1024 * 1024
/** So many blocks wait for the thread before the next is hashed here. */
const QUEUE = 2

interface Waiting {
  readonly block: Block
  readonly done: () => void
  readonly lost: (error: Error) => void
}

export class Hashing {
  #worker: Worker | undefined
  #ready = false
  #hashed = 0
  #queue: Waiting[] = []
  #closed = false

  /** Fills the block's digests. Rejects, with the block's objects lost, if the thread breaks. */
  async digest(block: Block): Promise<void> {
    if (block.filled < LITTLE || this.#closed) return hashHere(block)
    this.#hashed += block.filled
    if (this.#hashed < MUCH) return hashHere(block)
    const worker = (this.#worker ??= this.#start())
    if (!this.#ready || this.#queue.length >= QUEUE) return hashHere(block)
    const { memory, count } = block
    return new Promise((done, lost) => {
      this.#queue.push({ block, done, lost })
      worker.ref()
      worker.postMessage({ memory, count } satisfies Task, [memory])
    })
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
    this.#end(new Error('the store is closed'))
  }

  #start(): Worker {
    // Options of this process (--input-type, --watch) are not meant for the thread.
    const worker = new Worker(THREAD, { eval: true, execArgv: [] })
    worker.unref()
    // The first answer says that it runs, each other one is the memory of its oldest block.
    worker.once('message', () => {
      this.#ready = true
      worker.on('message', memory => this.#take(memory))
      // To listen is to hold on.
      if (this.#queue.length === 0) worker.unref()
    })
    worker.on('error', error => this.#end(error))
    return worker
  }

  #take(memory: ArrayBuffer): void {
    const first = this.#queue.shift()
    if (this.#queue.length === 0) this.#worker?.unref()
    if (first === undefined) return
    first.block.memory = memory
    first.done()
  }

  /** The thread is no more: from now on everything is hashed here. */
  #end(error: Error): void {
    this.#closed = true
    for (const { block, lost } of this.#queue.splice(0)) {
      block.renew()
      lost(error)
    }
  }
}

function hashHere(block: Block): void {
  let index = 0
  for (const { offset, length } of block.objects()) {
    const object = block.bytes.subarray(offset, offset + length)
    hash('sha256', object, 'buffer').copy(block.raws, 32 * index++)
  }
}
