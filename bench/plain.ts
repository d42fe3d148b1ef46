/* What a copy costs: the contestants without a store. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Contestant, type Round, sampleOf } from './contestant.ts'
import { cost, costs, type Program } from './costs.ts'
import { bytesIn } from './making.ts'

/** `cp -r`, without or with waiting for the disk. */
export function copying(synced: boolean): Contestant {
  return {
    name: synced ? 'cp+sync' : 'cp',
    async begin({ folder, work }): Promise<Round> {
      const copy = async (from: string, to: string) => {
        const flush: Program[] = synced ? [['sync', '-f', to]] : []
        return sampleOf(await costs([['cp', '-r', from, to], ...flush]))
      }
      let copies = 0
      const last = new Map<string, string>()
      return {
        async push(version) {
          const target = join(folder, `copy-${++copies}`)
          last.set(version, target)
          const sample = await copy(work, target)
          return { ...sample, storedBytes: bytesIn(target) }
        },
        checkout: (version, target) => copy(`${last.get(version)}/.`, target),
        async end() {},
      }
    },
  }
}

/** rsync of the second version over a copy of the first; it finds what changed by reading both. */
export const rsync: Contestant = {
  name: 'rsync',
  async begin({ folder, work }): Promise<Round> {
    const target = join(folder, 'copy')
    mkdirSync(target)
    return {
      async push() {
        const before = bytesIn(target)
        const args = ['-r', '-t', '--no-whole-file', '--stats', `${work}/`, target]
        const done = await cost('rsync', args)
        const sent = /Total bytes sent: ([\d,]+)/.exec(done.stdout)?.[1]?.replaceAll(',', '')
        return {
          ...sampleOf(done),
          storedBytes: bytesIn(target) - before,
          ...(sent === undefined ? {} : { wireBytes: Number(sent) }),
        }
      },
      async end() {},
    }
  },
}

/** Reads and hashes everything, and keeps nothing: what a rescan costs at least. */
export const tarring: Contestant = {
  name: 'tar+sha256',
  async begin({ work }): Promise<Round> {
    const names = () => readdirSync(work).sort()
    return {
      async push() {
        const script = 'set -o pipefail; tar -C "$0" -cf - "$@" | sha256sum'
        return sampleOf(await cost('bash', ['-c', script, work, ...names()]))
      },
      async end() {},
    }
  },
}
