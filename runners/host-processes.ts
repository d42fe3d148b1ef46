/* Looks at processes of this host: by /proc where there is one, by `ps` elsewhere. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { bootId } from './boot.ts'

/** A process, named so that a later one with the same pid is not mistaken for it. */
export interface ProcessName {
  readonly pid: number
  /** Boot and start time. */
  readonly born: string
}

export interface Usage {
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** From and to disks, by all that live and have lived; absent where nobody tells. */
  readonly readBytes?: number
  readonly writtenBytes?: number
}

interface Seen {
  readonly parent: number
  readonly memoryBytes: number
  readonly cpuSeconds: number
}

/** Clock ticks per second in /proc: fixed by the kernel's interface. */
const TICKS = 100

/** Undefined when there is no such process, or only its remains. */
export function nameOf(pid: number): ProcessName | undefined {
  const born = bornOf(pid)
  return born === undefined ? undefined : { pid, born }
}

export function lives(process: ProcessName | undefined): boolean {
  return process !== undefined && bornOf(process.pid) === process.born
}

/** What a process and all its descendants use; undefined when it is gone. */
export function usageOf(process: ProcessName): Usage | undefined {
  if (!lives(process)) return undefined
  const all = table()
  const pids = descendants(process.pid, all)
  let cpuSeconds = 0
  let memoryBytes = 0
  for (const pid of pids) {
    cpuSeconds += all.get(pid)?.cpuSeconds ?? 0
    memoryBytes += all.get(pid)?.memoryBytes ?? 0
  }
  return { cpuSeconds, memoryBytes, ...disksOf(pids) }
}

/** What a child read and wrote counts for its parent once that has waited for it. */
function disksOf(pids: ReadonlySet<number>): Pick<Usage, 'readBytes' | 'writtenBytes'> {
  let [readBytes, writtenBytes, known] = [0, 0, false]
  for (const pid of pids) {
    const text = textOf(`/proc/${pid}/io`)
    const [read, written] = [/^read_bytes: (\d+)/m.exec(text), /^write_bytes: (\d+)/m.exec(text)]
    if (read === null || written === null) continue
    known = true
    readBytes += Number(read[1])
    writtenBytes += Number(written[1])
  }
  return known ? { readBytes, writtenBytes } : {}
}

/** Nothing for a file that cannot be read: a process that has ended, or is another user's. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** Memory with what processes share counted once: dearer to ask than `usageOf`. */
export function ownMemoryOf(process: ProcessName): number {
  let bytes = 0
  const all = table()
  for (const pid of descendants(process.pid, all)) {
    bytes += proportional(pid) ?? all.get(pid)?.memoryBytes ?? 0
  }
  return bytes
}

function proportional(pid: number): number | undefined {
  try {
    const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return found === null ? undefined : Number(found[1]) * 1024
  } catch {
    return undefined
  }
}

function descendants(root: number, all: Map<number, Seen>): Set<number> {
  const children = Map.groupBy(all.keys(), pid => all.get(pid)?.parent ?? 0)
  const found = new Set([root])
  for (const pid of found) {
    for (const child of children.get(pid) ?? []) found.add(child)
  }
  return found
}

function bornOf(pid: number): string | undefined {
  const fields = statOf(pid)
  if (fields !== undefined) return fields[0] === 'Z' ? undefined : `${bootId()}:${fields[19]}`
  if (hasProc()) return undefined
  const line = ps(['-o', 'lstart=', '-p', String(pid)]).trim()
  return line === '' ? undefined : line
}

/** The fields of /proc/PID/stat from the state (the third) on. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function table(): Map<number, Seen> {
  return hasProc() ? tableOfProc() : tableOfPs()
}

function tableOfProc(): Map<number, Seen> {
  const all = new Map<number, Seen>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = statOf(Number(name))
    if (fields === undefined) continue
    const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0)
    all.set(Number(name), {
      parent: Number(fields[1]),
      memoryBytes: Number(fields[21]) * page(),
      cpuSeconds: ticks / TICKS,
    })
  }
  return all
}

function tableOfPs(): Map<number, Seen> {
  const all = new Map<number, Seen>()
  for (const line of ps(['-A', '-o', 'pid=,ppid=,rss=,time=']).split('\n')) {
    const [pid, parent, kilobytes, time] = line.trim().split(/\s+/)
    if (time === undefined) continue
    const cpuSeconds = time.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0)
    const memoryBytes = Number(kilobytes) * 1024
    all.set(Number(pid), { parent: Number(parent), memoryBytes, cpuSeconds })
  }
  return all
}

function ps(parameters: string[]): string {
  try {
    return execFileSync('ps', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

let proc: boolean | undefined
function hasProc(): boolean {
  proc ??= statOf(process.pid) !== undefined
  return proc
}

let pageBytes: number | undefined
function page(): number {
  pageBytes ??= Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }))
  return pageBytes
}
