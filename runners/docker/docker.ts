/* The Docker runner: builds and runs in containers of one Docker Engine on this host.
 *
 * The engine is the supervisor: it keeps a container, its log and its exit code however often the
 * worker is restarted. What it would forget (why nothing was started, that a stop was asked for) is
 * kept in `dir/run` (records.ts). One engine serves any number of installations: containers are
 * found by the label of their attempt, images by their manifest. */
import type { Runner } from '../runner.ts'
import { build } from './build.ts'
import { connect } from './engine.ts'
import { type Host, lookAtHost } from './host.ts'
import { Images } from './images.ts'
import { Programs } from './programs.ts'

export interface DockerOptions {
  /** Path of the engine's socket, or an address as DOCKER_HOST has it. */
  readonly socket?: string
  /** Which GPUs to hand out: numbers or UUIDs, `none`, `all`. */
  readonly gpus?: string
  /** Network of the engine that services join, for a worker that is in it; absent: they are published
   * on loopback. */
  readonly network?: string
}

export async function openDockerRunner(options: DockerOptions = {}): Promise<Runner> {
  const engine = connect(options.socket)
  let seen: Promise<Host> | undefined
  const host = () => {
    seen ??= lookAtHost(engine, options.gpus)
    // An engine that did not answer may do so the next time.
    seen.catch(() => (seen = undefined))
    return seen
  }
  const programs = new Programs(engine, new Images(engine), host, options.network)
  return {
    name: 'docker',
    afterBoot: engine.local ? 'remains' : 'work',
    capabilities: async () => (await host()).capabilities,
    build: async (order, place, log, signal) => {
      const { environment } = await host()
      return build({ engine, order, place, log, signal, host: environment })
    },
    run: (order, place) => programs.start(order, place, 'train'),
    serve: (order, place) => programs.start(order, place, 'serve'),
    adopt: place => programs.adopt(place),
    stop: (place, graceMs) => programs.stop(place, graceMs),
    logs: (place, offset, signal) => programs.logs(place, offset, signal),
    stats: place => programs.stats(place),
    release: place => programs.release(place),
    close: async () => engine.hangUp(),
  }
}
