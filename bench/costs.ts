/* What a program costs: wall time, CPU and memory, as the kernel counts them (Linux).
 *
 * CPU of a client is what the kernel adds to us when a child has ended: the child with all it waited
 * for, in steps of 10 ms. So only one child may end at a time. CPU of a server that goes on is read
 * before and after. Peaks are high-water marks, looked at every few milliseconds, because a program
 * that has ended has none. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const TICK_MS = 10
const LOOK_MS = 5

export interface Cost {
  readonly wallMs: number
  readonly clientCpuMs: number
  readonly clientPeakBytes: number
  readonly stdout: string
}

export interface Way {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a program to its end; throws with what it said when it fails. */
export function cost(file: string, args: readonly string[], way: Way = {}): Promise<Cost> {
  const before = childrenCpuMs()
  const start = performance.now()
  const child = spawn(file, [...args], {
    cwd: way.cwd,
    env: { ...process.env, ...way.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let peak = 0
  const looking = setInterval(() => {
    peak = Math.max(peak, peakBytes(child.pid))
  }, LOOK_MS)
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', data => out.push(data))
  child.stderr.on('data', data => err.push(data))
  let wallMs = 0
  child.once('exit', () => {
    wallMs = performance.now() - start
    clearInterval(looking)
  })
  return new Promise((resolve, reject) => {
    child.once('error', error => {
      clearInterval(looking)
      reject(error)
    })
    child.once('close', (code, signal) => {
      const stdout = Buffer.concat(out).toString()
      if (code === 0) {
        const clientCpuMs = childrenCpuMs() - before
        resolve({ wallMs, clientCpuMs, clientPeakBytes: peak, stdout })
        return
      }
      const said = `${stdout}\n${Buffer.concat(err)}`.trim().split('\n').slice(-20).join('\n')
      reject(new Error(`${file} ${args.join(' ')} ended with ${code ?? signal}:\n${said}`))
    })
  })
}

/** A program and its arguments. */
export type Program = readonly [string, ...string[]]

/** One after the other, as one: times add up, the highest peak counts. */
export async function costs(steps: readonly Program[], way: Way = {}): Promise<Cost> {
  let sum: Cost = { wallMs: 0, clientCpuMs: 0, clientPeakBytes: 0, stdout: '' }
  for (const [file, ...args] of steps) {
    const one = await cost(file, args, way)
    sum = {
      wallMs: sum.wallMs + one.wallMs,
      clientCpuMs: sum.clientCpuMs + one.clientCpuMs,
      clientPeakBytes: Math.max(sum.clientPeakBytes, one.clientPeakBytes),
      stdout: one.stdout,
    }
  }
  return sum
}

/** A process that goes on while it is asked: a server. */
export class Watched {
  readonly #pid: number
  readonly #idleBytes: number

  constructor(child: ChildProcess) {
    this.#pid = child.pid!
    this.#idleBytes = statusBytes(this.#pid, 'VmRSS')
  }

  /** Work beside which this process is looked at; answers its CPU, and its peak above idle. */
  async during<T>(work: () => Promise<T>): Promise<[T, { cpuMs: number; peakBytes: number }]> {
    // 5 sets the high-water mark back to what is used now.
    writeFileSync(`/proc/${this.#pid}/clear_refs`, '5')
    const before = cpuMs(this.#pid)
    const result = await work()
    const used = cpuMs(this.#pid) - before
    const peak = statusBytes(this.#pid, 'VmHWM') - this.#idleBytes
    return [result, { cpuMs: used, peakBytes: Math.max(0, peak) }]
  }
}

/** The highest that a process and those it started have had in memory. */
function peakBytes(pid: number | undefined): number {
  if (pid === undefined) return 0
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  const below = children.reduce((sum, child) => sum + peakBytes(Number(child)), 0)
  return statusBytes(pid, 'VmHWM') + below
}

function statusBytes(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(textOf(`/proc/${pid}/status`))
  return Number(found?.[1] ?? 0) * 1024
}

function childrenCpuMs(): number {
  const fields = statOf('self')
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS
}

export function cpuMs(pid: number): number {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** The fields behind the name, which may hold blanks. */
function statOf(pid: number | 'self'): string[] {
  const text = textOf(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}
