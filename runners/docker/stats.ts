/* What a container uses now, out of the engine's own figures. */
import type Dockerode from 'dockerode'
import type { Measurement } from '../../api/attempts.ts'

/** Undefined if the container does not run. */
export function measurementOf(stats: Dockerode.ContainerStats): Measurement | undefined {
  const memory = stats.memory_stats
  const cpu = stats.cpu_stats?.cpu_usage?.total_usage
  // An ended container has a time of zero and no memory.
  if (cpu === undefined || memory?.usage === undefined) return undefined
  // Files that were read can be dropped at any time: no tool counts them as used.
  const detail = (memory.stats ?? {}) as Partial<Record<string, number>>
  const cache = detail.total_inactive_file ?? detail.inactive_file ?? 0
  return {
    at: new Date(stats.read).toISOString(),
    cpuSeconds: cpu / 1e9,
    memoryBytes: Math.max(0, memory.usage - cache),
  }
}
