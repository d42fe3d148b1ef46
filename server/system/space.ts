/* Room on the data folder's volume. Writes stop before the disk is full, so that what was begun can
 * be finished, and go on by themselves once there is room again. What a bucket takes needs no room
 * here. */
import { statfs } from 'node:fs/promises'
import { KaosError } from '../../api/errors.ts'
import type { Settings } from '../parts.ts'

export interface Space {
  /** STORAGE_FULL when writing so many bytes would leave less than the reserve. */
  require(bytes?: number): Promise<void>
}

export function openSpace({ data, reserve, s3 }: Settings): Space {
  return {
    async require(bytes = 0) {
      const volume = await statfs(data)
      const free = volume.bavail * volume.bsize
      const kept = Math.max(reserve.bytes, volume.blocks * volume.bsize * reserve.share)
      if (free - (s3 === undefined ? bytes : 0) >= kept) return
      const message = 'the disk of the server is nearly full; make room there, then try again'
      throw new KaosError('STORAGE_FULL', message)
    },
  }
}
