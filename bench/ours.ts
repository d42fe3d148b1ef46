/* kaos as a user runs it: a server of its own on an empty folder, and the CLI as a program. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, startServer } from '../test/e2e/kaos.ts'
import { type Contestant, type Place, type Round, type Sample, sampleOf } from './contestant.ts'
import { type Cost, cost, Watched } from './costs.ts'
import { bytesIn } from './making.ts'
import { openDoor } from './wire.ts'

/** KAOS may name another build, to compare two. */
export const KAOS = process.env.KAOS ?? join(root, 'cli', 'kaos')
export const WORKSPACE = 'bench'
/** The only place that knows how a version is sent and fetched. */
const push = (folder: string) => ['data', 'push', folder, '-n', 'set', '--quiet']
const get = (version: string, target: string) => {
  return ['data', 'get', `set@${version}`, target, '--quiet']
}

export const ours: Contestant = {
  name: 'kaos',
  wired: true,
  async begin(place: Place): Promise<Round> {
    const data = join(place.folder, 'server')
    const { profiles } = place
    const server = await startServer(data, { env: profiled(profiles, 'server') })
    const door = place.counted ? await openDoor(server.url) : undefined
    const endpoint = door?.url ?? server.url
    // Modules are compiled by the first command that anybody runs here, not in every round.
    const compiled = { NODE_COMPILE_CACHE: join(dirname(place.folder), 'compiled') }
    const env = { ...homeIn(place.folder), ...compiled, KAOS_WORKSPACE: WORKSPACE }
    const cwd = join(place.folder, 'client')
    mkdirSync(cwd)
    const kaos = (...args: string[]) => cost(KAOS, args, { cwd, env })
    try {
      await kaos('init', '-e', endpoint)
      await kaos('workspace', 'create', '-n', WORKSPACE)
    } catch (error) {
      await server.stop()
      throw error
    }
    const watched = new Watched(server.process)
    const store = join(data, 'store')

    const step = async (work: () => Promise<Cost>): Promise<Sample> => {
      const before = bytesIn(store)
      door?.taken()
      const [done, served] = await watched.during(work)
      return {
        ...sampleOf(done),
        serverCpuMs: served.cpuMs,
        serverPeakBytes: served.peakBytes,
        storedBytes: bytesIn(store) - before,
        ...(door === undefined ? {} : { wireBytes: door.taken() }),
      }
    }
    return {
      push: version => {
        const way = { cwd, env: { ...env, ...profiled(profiles, `push ${version}`) } }
        return step(() => cost(KAOS, push(place.work), way))
      },
      checkout: (version, target) => {
        // As somebody who has no cache of anything.
        const elsewhere = join(place.folder, 'elsewhere')
        rmSync(elsewhere, { recursive: true, force: true })
        mkdirSync(elsewhere)
        const other = { ...env, ...homeIn(elsewhere), KAOS_ENDPOINT: endpoint }
        return step(() => cost(KAOS, get(version, target), { cwd: elsewhere, env: other }))
      },
      async end() {
        door?.close()
        await server.stop()
      },
    }
  },
}

/** Caches of a user who is new here. */
export function homeIn(folder: string): Record<string, string> {
  const home = join(folder, 'home')
  if (!existsSync(home)) mkdirSync(home)
  return {
    HOME: home,
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_CONFIG_HOME: join(home, '.config'),
  }
}

/** Node writes what its time went to into a file of this name. */
function profiled(folder: string | undefined, name: string): NodeJS.ProcessEnv {
  if (folder === undefined) return {}
  const file = `${name.replaceAll(' ', '-')}.cpuprofile`
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-name=${file}` }
}
