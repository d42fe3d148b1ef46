/* What a container uses now, out of the engine's own figures. */
import type Dockerode from 'dockerode'
import type { Measurement } from '../../api/measurements.ts'

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
    ...disksIn(stats),
    ...networksIn(stats),
  }
}

/** Engines on version 1 of cgroups write Read and Write, those on version 2 read and write. */
function disksIn({ blkio_stats }: Dockerode.ContainerStats): Partial<Measurement> {
  const entries = blkio_stats?.io_service_bytes_recursive
  if (!entries) return {}
  const sum = (op: string) =>
    entries.reduce((all, one) => all + (one.op.toLowerCase() === op ? one.value : 0), 0)
  return { readBytes: sum('read'), writtenBytes: sum('write') }
}

/** A container without a network has none to count. */
function networksIn({ networks }: Dockerode.ContainerStats): Partial<Measurement> {
  const all = Object.values(networks ?? {})
  if (all.length === 0) return {}
  return {
    receivedBytes: all.reduce((sum, one) => sum + one.rx_bytes, 0),
    sentBytes: all.reduce((sum, one) => sum + one.tx_bytes, 0),
  }
}
