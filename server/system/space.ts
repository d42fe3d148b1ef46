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

/** For one commit as large as can be: without it nothing can be said to be done. */
const LEAST = 1024 * 1024

export function openSpace({ data, reserve, s3 }: Settings): Space {
  return {
    async require(bytes = 0) {
      const volume = await statfs(data)
      const free = volume.bavail * volume.bsize
      const kept = Math.max(LEAST, reserve.bytes, volume.blocks * volume.bsize * reserve.share)
      if (free - (s3 === undefined ? bytes : 0) >= kept) return
      const message = 'the disk of the server is nearly full; make room there, then try again'
      throw new KaosError('STORAGE_FULL', message)
    },
  }
}
