/* A small volume that a test fills up. Needs root, for a tmpfs. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1024 * 1024

export interface Volume {
  readonly place: string
  /** Leaves about so many bytes; 0: not one. */
  fill(left: number): void
  /** Gives the room back. */
  free(): void
  close(): void
}

export function openVolume(size: string): Volume {
  const place = mkdtempSync(join(tmpdir(), 'kaos-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place])
  const filler = join(place, 'filler')
  /** Others write meanwhile, so that it can be full before it was thought to be. */
  const append = (bytes: number): boolean => {
    try {
      appendFileSync(filler, Buffer.alloc(bytes))
      return true
    } catch {
      return false
    }
  }
  return {
    place,
    fill(left) {
      const { bavail, bsize } = statfsSync(place)
      const bytes = Math.max(0, bavail * bsize - left)
      for (let done = 0; done < bytes; ) {
        const piece = Math.min(16 * MIB, bytes - done)
        if (!append(piece)) break
        done += piece
      }
      while (left === 0 && append(4096));
    },
    free: () => rmSync(filler),
    close() {
      // A program that a failed test left may still be there.
      execFileSync('umount', ['--lazy', place])
      rmdirSync(place)
    },
  }
}
