/* What a user asks of the machine: text as typed on the command line, and the check against what
 * workers have. Request and limit are the same number, as in the original. */
import type { Resources } from './attempts.ts'
import { KaosError } from './errors.ts'
import { LABEL } from './workers.ts'

/** What one worker has. */
export interface Available {
  readonly name: string
  readonly labels: readonly string[]
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
  /** Whether its engine decides itself what it has room for, now or later: a cluster. */
  readonly schedules?: boolean
}

const SI = { k: 1, M: 2, G: 3, T: 4, P: 5 } as const
const MEMORY = /^(\d+(?:\.\d+)?)(?:([kMGTP])|([KMGTP])i)?$/

/** `--memory`: bytes, or a number with k M G T P (powers of 1000) or Ki Mi Gi Ti Pi (of 1024). */
export function parseMemory(text: string): number {
  const match = MEMORY.exec(text.trim())
  const bytes = match ? Math.floor(Number(match[1]) * unitOf(match[2], match[3])) : 0
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    const how = 'give bytes, or a number with k, M, G, T, P, Ki, Mi, Gi, Ti or Pi, like 512Mi'
    throw new KaosError('MEMORY_REQUEST_ERROR', `"${text}" is no amount of memory; ${how}`)
  }
  return bytes
}

/** `--cpu`: cores, a fraction is allowed. */
export function parseCpu(text: string): number {
  const cpu = /^\d*\.?\d+$/.test(text.trim()) ? Number(text) : 0
  if (!Number.isFinite(cpu) || cpu <= 0) {
    throw new KaosError('CPU_REQUEST_ERROR', `"${text}" is no number of cores; give one like 0.5`)
  }
  return cpu
}

/** `--gpu`: whole devices. */
export function parseGpu(text: string): number {
  if (!/^\d{1,6}$/.test(text.trim())) {
    throw new KaosError('GPU_REQUEST_ERROR', `"${text}" is no number of GPUs; give one like 1`)
  }
  return Number(text)
}

/** `--label`, once or more often: words that the worker must carry; `none` for none at all. */
export function parseLabels(texts: readonly string[]): string[] {
  const words = texts.flatMap(text => text.split(',')).map(word => word.trim())
  const bad = words.find(word => !LABEL.test(word))
  if (bad !== undefined) {
    const how = 'letters, digits and . _ / = - between, 63 at most'
    throw new KaosError('LABEL_REQUEST_ERROR', `"${bad}" is no label; a label has ${how}`)
  }
  return words.length === 1 && words[0] === 'none' ? [] : [...new Set(words)].sort()
}

/** Throws LABEL_, GPU_, MEMORY_ or CPU_REQUEST_ERROR when none of these workers has what is asked for,
 * naming the largest. */
export function checkResources(asked: Resources, workers: readonly Available[]): void {
  const { cpu = 0, memoryBytes = 0, gpu = 0, labels = [] } = asked
  let left = labelled(labels, workers)
  const among = labels.length === 0 ? 'worker' : `worker with ${labelsText(labels)}`
  const reduce = (code: ResourceCode, wanted: number, of: Measure) => {
    const fitting = left.filter(worker => worker.schedules || of.has(worker) >= wanted)
    if (fitting.length === 0) throw tooMuch(code, wanted, left, of, among)
    left = fitting
  }
  reduce('GPU_REQUEST_ERROR', gpu, GPUS)
  reduce('MEMORY_REQUEST_ERROR', memoryBytes, MEMORY_SIZE)
  reduce('CPU_REQUEST_ERROR', cpu, CORES)
}

/** `label gpu`, `labels gpu and bigmem`. */
export function labelsText(labels: readonly string[]): string {
  return `${labels.length === 1 ? 'label' : 'labels'} ${labels.join(' and ')}`
}

/** `1 GPU`, `4 GPUs`. */
export function gpusText(count: number): string {
  return `${count} ${count === 1 ? 'GPU' : 'GPUs'}`
}

/** `1.5Gi`: for people. */
export function memoryText(bytes: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']
  let amount = bytes
  let unit = 0
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024
    unit++
  }
  return `${Number(amount.toFixed(2))}${units[unit]}`
}

function unitOf(decimal: string | undefined, binary: string | undefined): number {
  if (decimal !== undefined) return 1000 ** SI[decimal as keyof typeof SI]
  if (binary !== undefined) return 1024 ** SI[(binary === 'K' ? 'k' : binary) as keyof typeof SI]
  return 1
}

type ResourceCode = 'CPU_REQUEST_ERROR' | 'MEMORY_REQUEST_ERROR' | 'GPU_REQUEST_ERROR'

interface Measure {
  has(worker: Available): number
  text(amount: number): string
}

const GPUS: Measure = { has: ({ gpus }) => gpus, text: gpusText }
const CORES: Measure = {
  has: ({ cpus }) => cpus,
  text: cores => `${cores} ${cores === 1 ? 'core' : 'cores'}`,
}
const MEMORY_SIZE: Measure = {
  has: ({ memoryBytes }) => memoryBytes,
  text: bytes => `${memoryText(bytes)} of memory`,
}

function labelled(labels: readonly string[], workers: readonly Available[]): Available[] {
  const left = workers.filter(worker => labels.every(label => worker.labels.includes(label)))
  if (left.length > 0 || labels.length === 0) return left
  const available = [...new Set(workers.flatMap(worker => worker.labels))].sort()
  const there = available.length === 0 ? 'none carries any' : `there are ${available.join(', ')}`
  const next = 'start one with kaos worker --labels, or leave the label out (--label none)'
  throw new KaosError(
    'LABEL_REQUEST_ERROR',
    `no worker carries ${labelsText(labels)} (${there}); ${next}`,
    { detail: { requested: labels, available } },
  )
}

function tooMuch(
  code: ResourceCode,
  requested: number,
  left: readonly Available[],
  { has, text }: Measure,
  among: string,
): KaosError {
  const largest = left.toSorted((a, b) => has(b) - has(a))[0]!
  const available = has(largest)
  const there = `the largest ${among} (${largest.name}) has ${text(available)}`
  const message = `${text(requested)} were asked for, but ${there}; ask for less, or add a worker`
  return new KaosError(code, message, { detail: { requested, available } })
}
