/* A process that puts objects until it is killed, and says which of them were acknowledged. */
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { noise } from './bytes.ts'

const [folder, round] = process.argv.slice(2)
const store = await openFilesystemStore(folder!)

async function write(lane: number): Promise<never> {
  for (let i = 0; ; i++) {
    const seed = Number(round) * 100_000 + lane * 10_000 + i
    const sizes = lane === 0 ? Array.from({ length: 20 }, () => 100_000) : [5000, 300]
    const objects = sizes.map((size, n) => noise(size, seed * 31 + n + 1))
    await store.put(objects)
    if (lane === 2 && i % 2 === 1) {
      await store.remove([digestOf(objects[0]!)])
      objects.shift()
    }
    process.stdout.write(`${objects.map(digestOf).join(' ')}\n`)
    await pause(0)
  }
}

await Promise.all([0, 1, 2].map(write))
