/* Workloads on disk: made once per name, seed and scale, and kept between runs. Each has the SHA-256
 * of what it holds: of path, size and bytes of every file, in the order of the paths. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Workload } from './workloads.ts'

export interface Made {
  readonly folder: string
  readonly files: number
  readonly bytes: number
  readonly sha256: string
}

/** The workload in a folder of its own below `cache`. */
export function make(workload: Workload, scale: number, cache: string): Made {
  const folder = join(cache, `${workload.name}-${workload.seed}-${scale}`)
  const note = `${folder}.json`
  if (existsSync(note) && existsSync(folder)) {
    return { ...(JSON.parse(readFileSync(note, 'utf8')) as Made), folder }
  }
  rmSync(folder, { recursive: true, force: true })
  const part = `${folder}.part`
  rmSync(part, { recursive: true, force: true })
  const made = write(workload, scale, part)
  renameSync(part, folder)
  writeFileSync(note, `${JSON.stringify(made)}\n`)
  return { ...made, folder }
}

function write(workload: Workload, scale: number, folder: string): Omit<Made, 'folder'> {
  mkdirSync(folder, { recursive: true })
  return sum(workload, scale, path => {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    const file = openSync(target, 'w')
    return {
      write: block => writeSync(file, block),
      close: () => closeSync(file),
    }
  })
}

/** What the workload holds, without a disk. */
export function describe(workload: Workload, scale: number): Omit<Made, 'folder'> {
  return sum(workload, scale, () => ({ write: () => {}, close: () => {} }))
}

interface Sink {
  write(block: Uint8Array): void
  close(): void
}

function sum(workload: Workload, scale: number, open: (path: string) => Sink) {
  const hash = createHash('sha256')
  let files = 0
  let bytes = 0
  for (const file of workload.files(scale)) {
    const sink = open(file.path)
    hash.update(`${file.path}\0${file.size}\0`)
    let size = 0
    for (const block of file.blocks()) {
      hash.update(block)
      sink.write(block)
      size += block.length
    }
    sink.close()
    if (size !== file.size) throw new Error(`${file.path} came out as ${size}, not ${file.size}`)
    files++
    bytes += size
  }
  return { files, bytes, sha256: hash.digest('hex') }
}

/** The same sum over what lies in a folder: what came back is what was sent. */
export function sumOf(folder: string, wanted = (_path: string) => true): string {
  const hash = createHash('sha256')
  const block = Buffer.alloc(1024 * 1024)
  for (const path of filesIn(folder).filter(wanted)) {
    hash.update(`${path}\0${statSync(join(folder, path)).size}\0`)
    const file = openSync(join(folder, path), 'r')
    for (let read = readSync(file, block); read > 0; read = readSync(file, block)) {
      hash.update(block.subarray(0, read))
    }
    closeSync(file)
  }
  return hash.digest('hex')
}

/** Paths of all files below, hidden ones too, in order. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(one => one.isFile())
    .map(one => relative(folder, join(one.parentPath, one.name)))
    .sort((a, b) => (a < b ? -1 : 1))
}

/** Bytes of all files below, as long as they are; some may go meanwhile. */
export function bytesIn(folder: string): number {
  const sizes = filesIn(folder).map(path =>
    Number(statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0),
  )
  return sizes.reduce((total, size) => total + size, 0)
}
