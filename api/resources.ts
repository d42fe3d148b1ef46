/* What a user asks of the machine: text as typed on the command line, and the check against what
 * there is. Request and limit are the same number, as in the original. */
import type { Resources } from './attempts.ts'
import { KaosError } from './errors.ts'

/** What the host that runs work has. */
export interface Available {
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
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

/** Throws CPU_, MEMORY_ or GPU_REQUEST_ERROR when the host has less than is asked for. */
export function checkResources(asked: Resources, available: Available): void {
  const { cpu = 0, memoryBytes = 0, gpu = 0 } = asked
  if (cpu > available.cpus) {
    throw tooMuch('CPU_REQUEST_ERROR', cpu, available.cpus, `${cpu} cores`, `${available.cpus}`)
  }
  if (memoryBytes > available.memoryBytes) {
    const has = memoryText(available.memoryBytes)
    const want = `${memoryText(memoryBytes)} of memory`
    throw tooMuch('MEMORY_REQUEST_ERROR', memoryBytes, available.memoryBytes, want, has)
  }
  if (gpu > available.gpus) {
    throw tooMuch('GPU_REQUEST_ERROR', gpu, available.gpus, `${gpu} GPUs`, `${available.gpus}`)
  }
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

function tooMuch(
  code: ResourceCode,
  requested: number,
  available: number,
  want: string,
  has: string,
): KaosError {
  return new KaosError(code, `${want} were asked for, but this host has ${has}; ask for less`, {
    detail: { requested, available },
  })
}
