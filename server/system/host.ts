import { readdirSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { Limits } from '../parts.ts'

/** What this host can give to jobs. */
export function hostLimits(): Limits {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  const memoryBytes = constrained > 0 && constrained < total ? constrained : total
  return { cpus: availableParallelism(), memoryBytes, gpus: countGpus() }
}

function countGpus(): number {
  try {
    return readdirSync('/dev').filter(name => /^nvidia\d+$/.test(name)).length
  } catch {
    return 0
  }
}
