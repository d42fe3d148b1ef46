/* Whether a worker can run a piece of work, ever and now. What a running job was promised is not
 * promised twice: requests of running jobs are added up. */
import type { Resources } from '../../api/attempts.ts'
import { gpusText, labelsText, memoryText } from '../../api/resources.ts'
import type { WorkRef } from '../jobs/records.ts'

export interface Capacity {
  readonly name: string
  readonly runner: string
  readonly labels: readonly string[]
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
  readonly schedules?: boolean
}

/** Added up over what runs. */
export interface Used {
  readonly cpu: number
  readonly memoryBytes: number
  readonly gpu: number
}

export const NOTHING: Used = { cpu: 0, memoryBytes: 0, gpu: 0 }

export function needsOf(work: WorkRef): Resources {
  return 'needs' in work ? (work.needs ?? {}) : {}
}

export function usedBy(running: Iterable<WorkRef>): Used {
  let { cpu, memoryBytes, gpu } = NOTHING
  for (const work of running) {
    const needs = needsOf(work)
    cpu += needs.cpu ?? 0
    memoryBytes += needs.memoryBytes ?? 0
    gpu += needs.gpu ?? 0
  }
  return { cpu, memoryBytes, gpu }
}

/** `installation`: the runner that this installation builds images for. Those of processes are no
 * images for an engine, and the other way round; to fetch files it needs neither. */
export function canEver(work: WorkRef, worker: Capacity, installation: string): boolean {
  const { labels = [], cpu = 0, memoryBytes = 0, gpu = 0 } = needsOf(work)
  return (
    (work.kind === 'ingest' || isProcess(worker.runner) === isProcess(installation)) &&
    labels.every(label => worker.labels.includes(label)) &&
    (worker.schedules ||
      (gpu <= worker.gpus && memoryBytes <= worker.memoryBytes && cpu <= worker.cpus))
  )
}

/** `a worker with label gpu, 2 GPUs and 64Gi of memory`. */
export function wantedFor(work: WorkRef, installation: string): string {
  const { labels = [], cpu = 0, memoryBytes = 0, gpu = 0 } = needsOf(work)
  const parts = [
    ...(labels.length > 0 ? [labelsText(labels)] : []),
    ...(gpu > 0 ? [gpusText(gpu)] : []),
    ...(memoryBytes > 0 ? [`${memoryText(memoryBytes)} of memory`] : []),
    ...(cpu > 0 ? [`${cpu} cores`] : []),
  ]
  const runs = isProcess(installation) ? 'processes' : 'containers'
  const having = parts.length === 0 ? '' : ` with ${parts.join(', ')}`
  return work.kind === 'ingest' ? 'a worker' : `a worker that runs ${runs}${having}`
}

function isProcess(runner: string): boolean {
  return runner === 'process'
}

/** What is not free on a worker that could run it: `2 free GPUs (gpu1 has 1 of 4)`; undefined when
 * it has room. */
export function shortOf(work: WorkRef, worker: Capacity, used: Used): string | undefined {
  const { cpu = 0, memoryBytes = 0, gpu = 0 } = needsOf(work)
  const { name } = worker
  if (worker.schedules) return undefined
  if (gpu > 0 && used.gpu + gpu > worker.gpus) {
    const free = Math.max(0, worker.gpus - used.gpu)
    return `${gpu} free ${gpu === 1 ? 'GPU' : 'GPUs'} (${name} has ${free} of ${worker.gpus})`
  }
  if (memoryBytes > 0 && used.memoryBytes + memoryBytes > worker.memoryBytes) {
    const free = memoryText(Math.max(0, worker.memoryBytes - used.memoryBytes))
    const all = memoryText(worker.memoryBytes)
    return `${memoryText(memoryBytes)} of free memory (${name} has ${free} of ${all})`
  }
  if (cpu > 0 && used.cpu + cpu > worker.cpus) {
    const free = Number(Math.max(0, worker.cpus - used.cpu).toFixed(2))
    return `${cpu} free cores (${name} has ${free} of ${worker.cpus})`
  }
  return undefined
}
