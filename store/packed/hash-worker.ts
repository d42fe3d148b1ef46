/* The thread that hashes the objects of blocks where they lie. */
import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { BLOCK, HEADER } from './blocks.ts'

export interface Task {
  /** Of a block. */
  readonly memory: ArrayBuffer
  readonly count: number
}

parentPort?.on('message', ({ memory, count }: Task) => {
  const bytes = Buffer.from(memory, 0, BLOCK)
  const raws = Buffer.from(memory, BLOCK)
  let at = 0
  for (let i = 0; i < count; i++) {
    const end = at + HEADER + bytes.readUInt32BE(at)
    hash('sha256', bytes.subarray(at + HEADER, end), 'buffer').copy(raws, i * 32)
    at = end
  }
  parentPort?.postMessage(memory, [memory])
})
parentPort?.postMessage(undefined)
