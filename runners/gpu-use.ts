/* How busy the GPUs of this host are, by `nvidia-smi`. Asking takes a good part of a second, so it is
 * done beside everything else, and all who ask within a moment share one answer. */
import { execFile } from 'node:child_process'
import type { GpuUse } from '../api/measurements.ts'

/** `devices`: only these, by number; absent: all. Nothing where there is no answer. */
export type LookAtGpus = (devices?: readonly string[]) => Promise<GpuUse[]>

const SHARED_MS = 500
const ASK_MS = 5000
const MIB = 1024 * 1024
const QUESTION = [
  '--query-gpu=index,utilization.gpu,memory.used',
  '--format=csv,noheader,nounits',
] as const

export function openGpuLook(program = 'nvidia-smi'): LookAtGpus {
  let asked = Number.NEGATIVE_INFINITY
  let answer: Promise<GpuUse[]> = Promise.resolve([])

  return async devices => {
    const now = performance.now()
    if (now - asked >= SHARED_MS) {
      asked = now
      answer = ask(program)
    }
    const all = await answer
    return devices === undefined ? all : all.filter(one => devices.includes(one.device))
  }
}

function ask(program: string): Promise<GpuUse[]> {
  return new Promise(resolve => {
    execFile(program, QUESTION, { timeout: ASK_MS, encoding: 'utf8' }, (error, text) => {
      resolve(error === null ? gpusIn(text) : [])
    })
  })
}

/** `0, 87, 40123` a line: number, percent of the time, MiB. What a device does not tell is left out. */
export function gpusIn(text: string): GpuUse[] {
  return text.split('\n').flatMap(line => {
    const [device = '', busy = '', memory = ''] = line.split(',').map(part => part.trim())
    if (!/^\d+$/.test(device) || !/^\d+$/.test(busy) || !/^\d+$/.test(memory)) return []
    return [{ device, busy: Number(busy) / 100, memoryBytes: Number(memory) * MIB }]
  })
}
