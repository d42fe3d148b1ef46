/* The Kubernetes runner: trainings as Jobs, services as Deployment and Service. The cluster schedules;
 * the worker only asks, watches and collects.
 *
 * The cluster is the supervisor: it keeps a pod, its log and its exit code however often the worker is
 * restarted. What it would forget is kept in `dir/run` (runners/records.ts). Pods see folders of the
 * worker, through a volume that both have mounted or through the node that both run on: bytes go no
 * other way than with the other runners, and no pod needs a credential.
 *
 * Images are built by another runner and pulled from kaos's registry by digest. */
import { KaosError } from '../../api/errors.ts'
import type { Runner } from '../runner.ts'
import { connect } from './cluster.ts'
import { type Host, lookAtCluster } from './nodes.ts'
import { Programs } from './programs.ts'
import type { KubernetesOptions } from './settings.ts'

export async function openKubernetesRunner(
  options: KubernetesOptions,
  builder: Runner | undefined,
): Promise<Runner> {
  const cluster = connect(options.kubeconfig, options.context)
  let seen: Promise<Host> | undefined
  const host = () => {
    seen ??= lookAtCluster(cluster, options)
    // A server that did not answer may do so the next time.
    seen.catch(() => (seen = undefined))
    return seen
  }
  const programs = new Programs(cluster, options, host)
  return {
    name: 'kubernetes',
    afterBoot: 'work',
    schedules: true,
    ...(builder === undefined ? { builds: false as const } : {}),
    capabilities: async () => (await host()).capabilities,
    build: async (order, place, log, signal) => {
      if (builder) return builder.build(order, place, log, signal)
      const message = 'this worker has no Docker engine to build with; see KAOS_DOCKER_SOCKET'
      throw new KaosError('RUNNER_UNAVAILABLE', message)
    },
    run: (order, place) => programs.start(order, place, 'train'),
    serve: (order, place) => programs.start(order, place, 'serve'),
    adopt: (place, note) => programs.adopt(place, note),
    stop: (place, graceMs) => programs.stop(place, graceMs),
    logs: (place, offset, signal) => programs.logs(place, offset, signal),
    stats: place => programs.stats(place),
    async release(place) {
      await programs.release(place)
      await builder?.release(place)
    },
    async close() {
      cluster.hangUp()
      await builder?.close()
    },
  }
}
