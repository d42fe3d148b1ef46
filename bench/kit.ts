/* KitOps: pack and push, pull and unpack, with the program that KIT names. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contestant, type Round, type Sample, sampleOf } from './contestant.ts'
import { type Cost, costs, type Program } from './costs.ts'
import { WORKSPACE } from './ours.ts'
import { openRegistry } from './registry.ts'
import { openDoor } from './wire.ts'

const KITFILE = `manifestVersion: 1.0.0
package:
  name: set
datasets:
  - name: set
    path: .
`

export function kit(program: string, registryGiven: string | undefined): Contestant {
  return {
    name: 'kit',
    wired: true,
    async begin({ folder, work, counted }): Promise<Round> {
      const registry = await openRegistry(registryGiven, folder)
      const door = counted ? await openDoor(`http://${registry.address}`) : undefined
      const address = door === undefined ? registry.address : new URL(door.url).host
      // A name of its own for each round, for registries that go on.
      const repository = `${address}/${WORKSPACE}/set${Date.now().toString(36)}`
      const kitfile = join(folder, 'Kitfile')
      writeFileSync(kitfile, KITFILE)
      const home = join(folder, 'kit')
      const env = { KITOPS_HOME: home }
      mkdirSync(home)

      const step = async (work: () => Promise<Cost>): Promise<Sample> => {
        const before = registry.storedBytes?.()
        door?.taken()
        const [done, served] = registry.watched
          ? await registry.watched.during(work)
          : [await work(), undefined]
        return {
          ...sampleOf(done),
          ...(served && { serverCpuMs: served.cpuMs, serverPeakBytes: served.peakBytes }),
          ...(before !== undefined && { storedBytes: registry.storedBytes!() - before }),
          ...(door && { wireBytes: door.taken() }),
        }
      }
      const common = ['--progress', 'none', '--log-level', 'error']
      return {
        push: version =>
          step(() => {
            const name = `${repository}:${version}`
            const pack: Program = [program, 'pack', work, '-f', kitfile, '-t', name]
            const send: Program = [program, 'push', name, '--plain-http']
            return costs(
              [
                [...pack, ...common],
                [...send, ...common],
              ],
              { env },
            )
          }),
        checkout: (version, target) => {
          // Who has nothing of it yet.
          const other = join(folder, 'kit-elsewhere')
          rmSync(other, { recursive: true, force: true })
          mkdirSync(other)
          const name = `${repository}:${version}`
          const pull: Program = [program, 'pull', name, '--plain-http']
          const unpack: Program = [program, 'unpack', name, '--filter', 'datasets']
          const to = ['-d', target, '-o', '--plain-http']
          return step(() =>
            costs(
              [
                [...pull, ...common],
                [...unpack, ...to, ...common],
              ],
              {
                env: { KITOPS_HOME: other },
              },
            ),
          )
        },
        async end() {
          door?.close()
          await registry.stop()
        },
      }
    },
  }
}
