/* Walking a folder for sending. What a tree cannot hold truly is refused, with the path and what to
 * do about it; nothing is left out in silence but what the ignore rules name.
 *
 * A symbolic link is stored as what it points to, if that lies inside the folder. Hard links are
 * stored as independent files with equal content (which the store keeps once). */
import { readdirSync, type Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
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

/** A folder that is being walked, with what it holds that is not left out. */
export interface Level {
  /** Below the walked folder, with `/`; '' for itself. */
  readonly path: string
  readonly name: string
  /** The real path, links followed: where its children are read, and how a loop is known. */
  readonly real: string
  /** In the order of trees: by the bytes of their names. */
  readonly children: readonly Child[]
  readonly above: Level | undefined
}

export interface Child {
  readonly name: string
  readonly folder: boolean
  /** Of a symbolic link: what it leads to. */
  readonly real?: string
}

/** The path of a child below the walked folder. */
export function pathOf(level: Level, { name }: Child): string {
  return level.path === '' ? name : `${level.path}/${name}`
}

/** Where a child is read. */
export function realOf(level: Level, { name, real }: Child): string {
  return real ?? (level.real === sep ? sep + name : level.real + sep + name)
}

type Type = 'file' | 'folder' | 'link' | 'device' | 'socket' | 'FIFO' | 'unknown'

/** The folder in the order of trees, each folder's children read when it is reached: memory grows
 * with the largest folder, not with the number of files. */
export async function* walkFolder(
  folder: string,
  options: WalkOptions = {},
): AsyncGenerator<Step, void, undefined> {
  const walk = new Walk(options.ignores)
  yield* stepsOf(walk, await walk.begin(folder), options.signal)
}

async function* stepsOf(
  walk: Walk,
  level: Level,
  signal: AbortSignal | undefined,
): AsyncGenerator<Step, void, undefined> {
  const { path, name } = level
  yield { kind: 'enter', path, name }
  for (const child of level.children) {
    signal?.throwIfAborted()
    if (child.folder) yield* stepsOf(walk, await walk.enter(level, child), signal)
    else {
      const source = realOf(level, child)
      yield { kind: 'file', path: pathOf(level, child), name: child.name, source }
    }
  }
  yield { kind: 'leave', path, name }
}

/** Reads folders, one when it is entered. */
export class Walk {
  readonly #ignores: Ignores
  #root = ''

  constructor(ignores: Ignores = defaultIgnores) {
    this.#ignores = ignores
  }

  async begin(folder: string): Promise<Level> {
    this.#root = await rootOf(folder)
    return this.#read({ path: '', name: '', real: this.#root, above: undefined })
  }

  async enter(level: Level, child: Child): Promise<Level> {
    const path = pathOf(level, child)
    const real = realOf(level, child)
    let depth = 0
    for (let one: Level | undefined = level; one !== undefined; one = one.above) {
      if (one.real === real) throw loops(path)
      if (++depth > DEPTH_MAX) throw refused(path, 'is too deep', 'flatten its folders')
    }
    return this.#read({ path, name: child.name, real, above: level })
  }

  async #read(level: Omit<Level, 'children'>): Promise<Level> {
    const children: Child[] = []
    for (const { name, type } of namesIn(level)) {
      const path = level.path === '' ? name : `${level.path}/${name}`
      if (type === 'link') {
        const child = await this.#link(path, name, join(level.real, name))
        if (child !== undefined) children.push(child)
        continue
      }
      const folder = type === 'folder'
      if (this.#ignores(path, folder)) continue
      if (type !== 'file' && !folder) throw special(path, type)
      children.push({ name, folder })
    }
    return { ...level, children }
  }

  async #link(path: string, name: string, link: string): Promise<Child | undefined> {
    // A pattern for folders must not hide whether a link is good, so links are asked for as files too.
    if (this.#ignores(path, false)) return undefined
    const { real, stats } = await follow(this.#root, path, link)
    if (stats.isDirectory() && this.#ignores(path, true)) return undefined
    if (!stats.isFile() && !stats.isDirectory()) throw special(path, typeOf(stats))
    return { name, folder: stats.isDirectory(), real }
  }
}

async function follow(
  root: string,
  path: string,
  link: string,
): Promise<{ real: string; stats: Stats }> {
  try {
    const real = await realpath(link)
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw refused(
        path,
        'is a symbolic link that leaves the folder',
        'copy what it points to into the folder',
      )
    }
    return { real, stats: await stat(real) }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ELOOP') throw loops(path)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refused(path, 'is a symbolic link to nothing', 'remove it or restore its target')
    }
    throw code === undefined ? error : unreadable(path, error)
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

interface Named {
  readonly name: string
  readonly type: Type
}

/** In the order of trees. At once and without leaving the thread: much faster for many folders. */
function namesIn({ real, path }: Pick<Level, 'real' | 'path'>): Named[] {
  try {
    const found = readdirSync(real, { withFileTypes: true })
    // What is no UTF-8 comes with this character in it, as may what is.
    if (found.some(one => one.name.includes('\ufffd'))) requireUnicode(real, path)
    const names = found.map(one => ({ name: one.name, type: typeOf(one) }))
    return found.some(one => BEYOND.test(one.name)) ? names.sort(byBytes) : names.sort(byUnits)
  } catch (error) {
    throw codeOf(error) === undefined ? error : unreadable(path === '' ? real : path, error)
  }
}

/** The order of UTF-16 and that of UTF-8 differ only where there is one of these. */
const BEYOND = /[\ud800-\uffff]/

function byUnits(one: Named, other: Named): number {
  return one.name < other.name ? -1 : 1
}

function byBytes(one: Named, other: Named): number {
  return Buffer.compare(Buffer.from(one.name), Buffer.from(other.name))
}

function requireUnicode(real: string, path: string): void {
  for (const raw of readdirSync(real, { encoding: 'buffer' })) {
    const name = raw.toString('utf8')
    if (Buffer.compare(Buffer.from(name, 'utf8'), raw) === 0 && isEntryName(name)) continue
    const shown = path === '' ? raw.toString('latin1') : `${path}/${raw.toString('latin1')}`
    throw refused(shown, 'has a name that is not UTF-8 of at most 255 bytes', 'rename it')
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
