import type { Digest } from '../../api/digest.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { storeConformance } from './conformance.ts'

storeConformance('memory', async () => {
  const objects = new Map<Digest, Uint8Array>()
  return {
    open: () => openMemoryStore(objects),
    damage: async digest => {
      const object = objects.get(digest)
      if (object !== undefined) object[object.length >> 1]! ^= 1
    },
    dispose: async () => objects.clear(),
  }
})
