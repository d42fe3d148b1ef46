/* Walking a folder for sending. What a tree cannot hold truly is refused, with the path and what to
 * do about it; nothing is left out in silence but what the ignore rules name.
 *
 * A symbolic link is stored as what it points to, if that lies inside the folder. Hard links are
 * stored as independent files with equal content (which the store keeps once). */
import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { KaosError } from '../errors.ts'
import { isEntryName } from '../tree.ts'
import { DEPTH_MAX } from './protocol.ts'

/** Says what is left out. The path is relative to the folder, with `/`, without one at its end. */
export type Ignores = (relativePath: string, folder: boolean) => boolean

/** Left out unless the caller brings rules of its own. Each is also a gitignore pattern. */
export const DEFAULT_IGNORED: readonly string[] = [
  '.git',
  '.kaos',
  '.DS_Store',
  '__pycache__',
  '*.pyc',
]

export const defaultIgnores: Ignores = path => {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return DEFAULT_IGNORED.includes(name) || name.endsWith('.pyc')
}

export interface WalkOptions {
  /** Instead of the default rules. */
  readonly ignores?: Ignores
  readonly signal?: AbortSignal
}

/** `enter` and `leave` surround what is in a folder, the walked folder itself (path '') included. */
export type Step =
  | { readonly kind: 'enter'; readonly path: string; readonly name: string }
  | { readonly kind: 'leave'; readonly path: string; readonly name: string }
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly source: string }

interface Level {
  readonly path: string
  readonly name: string
  /** The real path, links followed: where its children are read, and how a loop is known. */
  readonly real: string
  readonly children: Child[]
  next: number
}

interface Child {
  readonly raw: Buffer
  readonly type: Type
}

type Type = 'file' | 'folder' | 'link' | 'device' | 'socket' | 'FIFO' | 'unknown'

/** The folder in the order of trees (names by their bytes), each folder's children read when it is
 * reached: memory grows with the largest folder, not with the number of files. */
export async function* walkFolder(
  folder: string,
  options: WalkOptions = {},
): AsyncGenerator<Step, void, undefined> {
  const ignores = options.ignores ?? defaultIgnores
  const root = await rootOf(folder)
  const levels: Level[] = [await levelOf(root, '', '')]
  yield { kind: 'enter', path: '', name: '' }
  for (let top = levels.at(-1); top !== undefined; top = levels.at(-1)) {
    options.signal?.throwIfAborted()
    const child = top.children[top.next++]
    if (child === undefined) {
      levels.pop()
      yield { kind: 'leave', path: top.path, name: top.name }
      continue
    }
    const found = await look(root, top, child, ignores)
    if (found === undefined) continue
    const { path, name, real } = found
    if (found.folder) {
      if (levels.length > DEPTH_MAX) throw refused(path, 'is too deep', 'flatten its folders')
      if (levels.some(level => level.real === real)) throw loops(path)
      levels.push(await levelOf(real, path, name))
      yield { kind: 'enter', path, name }
    } else {
      yield { kind: 'file', path, name, source: real }
    }
  }
}

interface Found {
  readonly path: string
  readonly name: string
  readonly real: string
  readonly folder: boolean
}

/** What a child is, links followed; undefined if it is left out. */
async function look(root: string, level: Level, child: Child, ignores: Ignores) {
  const name = nameOf(level.path, child.raw)
  const path = level.path === '' ? name : `${level.path}/${name}`
  const found: Found = { path, name, real: join(level.real, name), folder: child.type === 'folder' }
  if (child.type !== 'link') {
    if (ignores(path, found.folder)) return undefined
    if (child.type !== 'file' && child.type !== 'folder') throw special(path, child.type)
    return found
  }
  // A pattern for folders must not hide whether a link is good, so links are asked for as files too.
  if (ignores(path, false)) return undefined
  const { real, stats } = await follow(root, found)
  if (stats.isDirectory() && ignores(path, true)) return undefined
  if (!stats.isFile() && !stats.isDirectory()) throw special(path, typeOf(stats))
  return { ...found, real, folder: stats.isDirectory() }
}

async function follow(root: string, link: Found): Promise<{ real: string; stats: Stats }> {
  try {
    const real = await realpath(link.real)
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw refused(
        link.path,
        'is a symbolic link that leaves the folder',
        'copy what it points to into the folder',
      )
    }
    return { real, stats: await stat(real) }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ELOOP') throw loops(link.path)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refused(link.path, 'is a symbolic link to nothing', 'remove it or restore its target')
    }
    throw code === undefined ? error : unreadable(link.path, error)
  }
}

async function rootOf(folder: string): Promise<string> {
  try {
    const real = await realpath(resolve(folder))
    if ((await stat(real)).isDirectory()) return real
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw refused(folder, 'does not exist', 'give a folder')
    throw unreadable(folder, error)
  }
  throw refused(folder, 'is not a folder', 'give a folder')
}

async function levelOf(real: string, path: string, name: string): Promise<Level> {
  try {
    const found = await readdir(real, { withFileTypes: true, encoding: 'buffer' })
    const children = found.map(one => ({ raw: one.name, type: typeOf(one) }))
    children.sort((a, b) => Buffer.compare(a.raw, b.raw))
    return { path, name, real, children, next: 0 }
  } catch (error) {
    throw unreadable(path === '' ? real : path, error)
  }
}

/** Either of Stats and Dirent. */
type Typed = Pick<
  Stats,
  | 'isFile'
  | 'isDirectory'
  | 'isSymbolicLink'
  | 'isBlockDevice'
  | 'isCharacterDevice'
  | 'isSocket'
  | 'isFIFO'
>

function typeOf(typed: Typed): Type {
  if (typed.isFile()) return 'file'
  if (typed.isDirectory()) return 'folder'
  if (typed.isSymbolicLink()) return 'link'
  if (typed.isSocket()) return 'socket'
  if (typed.isFIFO()) return 'FIFO'
  return typed.isBlockDevice() || typed.isCharacterDevice() ? 'device' : 'unknown'
}

function nameOf(folder: string, raw: Buffer): string {
  const name = raw.toString('utf8')
  if (Buffer.compare(Buffer.from(name, 'utf8'), raw) === 0 && isEntryName(name)) return name
  const shown = folder === '' ? raw.toString('latin1') : `${folder}/${raw.toString('latin1')}`
  throw refused(shown, 'has a name that is not UTF-8 of at most 255 bytes', 'rename it')
}

function special(path: string, type: Type): KaosError {
  const what = type === 'unknown' ? 'neither a file nor a folder' : `a ${type}`
  return refused(path, `is ${what}`, 'remove it or name it in the ignore file')
}

function loops(path: string): KaosError {
  return refused(path, 'is a symbolic link that leads back to itself', 'remove it')
}

/** For a file or folder that the system does not let us read. */
export function unreadable(path: string, error: unknown): KaosError {
  const code = codeOf(error) ?? String(error)
  if (code === 'ENOENT')
    return refused(path, 'disappeared', 'stop what changes it, try again', error)
  const remedy = 'make it readable or name it in the ignore file'
  return refused(path, `cannot be read (${code})`, remedy, error)
}

/** `data/x is a FIFO; remove it …`. Control characters in a path are shown escaped. */
export function refused(path: string, why: string, remedy: string, cause?: unknown): KaosError {
  const shown = /[\x00-\x1f\x7f-\x9f]/.test(path) ? JSON.stringify(path) : path
  return new KaosError('INVALID_BUNDLE', `${shown} ${why}; ${remedy}`, { detail: { path }, cause })
}

/** `ENOENT` and the like; undefined for what is not an error of the file system. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  return (error as NodeJS.ErrnoException).code
}
