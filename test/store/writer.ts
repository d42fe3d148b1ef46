/* A process that puts, removes, collects and compacts until it is killed, and says which objects were
 * acknowledged and are to stay. */
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf } from '../../api/digest.ts'
import { diskFiles, type Files } from '../../store/disk/files.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { noise } from './bytes.ts'

const [folder, round, syncs] = process.argv.slice(2)
let syncing = true
const store = await openFilesystemStore(folder!, mayForget())
syncing = syncs !== 'no-sync'

async function write(lane: number): Promise<never> {
  for (let i = 0; ; i++) {
    const seed = Number(round) * 100_000 + lane * 10_000 + i
    const sizes = lane === 0 ? Array.from({ length: 20 }, () => 100_000) : [5000, 300, 700]
    const objects = sizes.map((size, n) => noise(size, seed * 31 + n + 1))
    await store.put(objects)
    if (lane === 2 && i % 2 === 1) await store.remove([digestOf(objects.shift()!)])
    if (lane === 3) await collect(objects.splice(0, 2))
    if (lane === 3 && i % 4 === 3) await store.compact(0.3)
    process.stdout.write(`${objects.map(digestOf).join(' ')}\n`)
    await pause(0)
  }
}

async function collect(objects: readonly Buffer[]): Promise<void> {
  const condemned = await store.condemn(objects.map(digestOf))
  await condemned.remove()
}

/** The disk, which is told to sync only while `syncing`. */
function mayForget(): Files {
  return {
    ...diskFiles,
    async create(path) {
      const file = await diskFiles.create(path)
      return {
        write: bytes => file.write(bytes),
        sync: async () => (syncing ? file.sync() : undefined),
        close: () => file.close(),
      }
    },
    syncFolder: async path => (syncing ? diskFiles.syncFolder(path) : undefined),
  }
}

await Promise.all([0, 1, 2, 3].map(write))
