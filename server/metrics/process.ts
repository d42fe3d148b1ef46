/* What this process takes of its machine, under the names that dashboards already know. */
import { readdir, readFile } from 'node:fs/promises'
import { versionOf } from '../../api/version.ts'
import { Counter, type Family, Gauge } from './families.ts'
import type { Pulse } from './pulse.ts'

/** Where Linux tells a process about itself; elsewhere these two are left out. */
const DESCRIPTORS = '/proc/self/fd'
const LIMITS = '/proc/self/limits'

export function processFamilies(pulse: Pulse) {
  const cpu = new Counter({
    name: 'process_cpu_seconds',
    help: 'CPU time taken, user and system',
  })
  const gauge = (name: string, help: string) => new Gauge({ name, help })
  const rss = gauge('process_resident_memory_bytes', 'Memory resident')
  const started = gauge('process_start_time_seconds', 'Start of the process, since 1970')
  const open = gauge('process_open_fds', 'Open file descriptors')
  const most = gauge('process_max_fds', 'File descriptors that may be open')
  const heap = gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use')
  const heapTotal = gauge('nodejs_heap_size_total_bytes', 'JavaScript heap taken')
  const external = gauge('nodejs_external_memory_bytes', 'Buffers outside of the heap')
  const lagMean = gauge('nodejs_eventloop_lag_mean_seconds', 'Usual lag of the last second')
  const lagMax = gauge('nodejs_eventloop_lag_max_seconds', 'Largest lag of the last second')
  const build = new Gauge({
    name: 'kaos_build_info',
    help: 'Always 1; which kaos and which Node run',
    labels: ['version', 'node'],
  })
  started.set(Math.round(Date.now() / 1000 - process.uptime()))
  build.set(1, [versionOf(), process.version])

  async function look(): Promise<void> {
    const { user, system } = process.cpuUsage()
    cpu.is((user + system) / 1e6)
    const memory = process.memoryUsage()
    rss.set(memory.rss)
    heap.set(memory.heapUsed)
    heapTotal.set(memory.heapTotal)
    external.set(memory.external)
    const lag = pulse.lag()
    lagMean.set(lag.mean / 1000)
    lagMax.set(lag.max / 1000)
    open.set(await openDescriptors())
    most.set(await maxDescriptors())
  }

  const families: Family[] = [cpu, rss, started, open, most, heap, heapTotal, external]
  return { families: [...families, lagMean, lagMax, build], look }
}

/** NaN where the system does not tell. */
export async function openDescriptors(): Promise<number> {
  try {
    return (await readdir(DESCRIPTORS)).length
  } catch {
    return Number.NaN
  }
}

async function maxDescriptors(): Promise<number> {
  try {
    const text = await readFile(LIMITS, 'utf8')
    return Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN)
  } catch {
    return Number.NaN
  }
}
