import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')
export const node = process.execPath

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** By nearest rank. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
}

/** Runs a command to its end: wall milliseconds. Throws when it fails. */
export function timeOf(file: string, args: string[], cwd = root): Promise<number> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: 'ignore' })
    child.on('error', reject)
    child.on('close', code =>
      code === 0
        ? resolve(performance.now() - start)
        : reject(new Error(`${file} ${args.join(' ')} ended with ${code}`)),
    )
  })
}

/** User and system CPU milliseconds of a command with everything it started, in steps of 10 ms
 * (Linux: the kernel counts waited-for children in clock ticks). */
export function cpuOf(file: string, args: string[]): Promise<number> {
  const script = `
    import { spawnSync } from 'node:child_process'
    spawnSync(${JSON.stringify(file)}, ${JSON.stringify(args)}, { stdio: 'ignore' })
    const text = (await import('node:fs')).readFileSync('/proc/self/stat', 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    console.log((Number(fields[13]) + Number(fields[14])) * 10)`
  return new Promise((resolve, reject) => {
    const child = spawn(node, ['--input-type=module', '-e', script], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', data => {
      out += data
    })
    child.on('error', reject)
    child.on('close', () => resolve(Number(out)))
  })
}

/** CPU milliseconds so far, in steps of 10 ms, of a process that runs and all that it started: what has
 * ended counts for whoever waited for it. */
export function cpuSoFar(root: number): number {
  const processes = new Map<number, { parent: number; ticks: number }>()
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? statOf(name) : []
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0)
    if (fields.length > 0) processes.set(Number(name), { parent: Number(fields[1]), ticks })
  }
  const found = new Set([root])
  // A set that grows is walked to its end.
  for (const parent of found) {
    for (const [pid, process] of processes) if (process.parent === parent) found.add(pid)
  }
  return [...found].reduce((sum, pid) => sum + (processes.get(pid)?.ticks ?? 0) * 10, 0)
}

/** From the state on. */
function statOf(pid: string): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

export function line(name: string, fields: Record<string, string | number>): void {
  const text = Object.entries(fields).map(([key, value]) => {
    return `${key}=${typeof value === 'number' ? Number(value.toFixed(2)) : value}`
  })
  console.log(`bench ${name} ${text.join(' ')} load=${loadavg()[0]?.toFixed(1)}`)
}
