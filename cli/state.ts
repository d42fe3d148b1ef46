/* `.kaos/config`: which server this directory is connected to, as whom, and the current workspace. The
 * current directory's comes first, then those of the folders above it, as git does it; one above that
 * belongs to somebody else is passed over, so nobody can lay one into /tmp and catch our uploads. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { KaosError } from '../api/errors.ts'
import { emptySection, formatIni, parseIni, type Section, sectionOf } from './ini.ts'

export const FOLDER = '.kaos'
/** Name of the context that `kaos init` makes. */
export const REMOTE = 'remote'

export interface Context {
  readonly name: string
  readonly url: string
  readonly token: string | undefined
  /** File with the certificates that it is trusted by, when it was given at `kaos init`. */
  readonly ca?: string | undefined
  /** Folder of the set-up, where `kaos build deploy` made it. */
  readonly folder?: string | undefined
}

export class State {
  /** The `.kaos` folder. */
  readonly folder: string
  readonly #root: Section

  constructor(folder: string, root: Section = emptySection()) {
    this.folder = folder
    this.#root = modern(root)
  }

  get user(): string | undefined {
    return textOf(this.#root, 'default', 'user')
  }
  set user(name: string) {
    sectionOf(this.#root, 'default').values.set('user', name)
  }

  get contexts(): Context[] {
    return this.#names().flatMap(name => {
      const sections = this.#root.sections.get(name)?.sections
      const backend = sections?.get('backend')
      const url = backend?.values.get('url')
      if (typeof url !== 'string' || url === '') return []
      const text = (key: string) => {
        const value = backend?.values.get(key)
        return typeof value === 'string' && value !== '' ? value : undefined
      }
      const folder = sections?.get('infrastructure')?.values.get('folder')
      const place = typeof folder === 'string' ? { folder } : {}
      return [{ name, url, token: text('token'), ca: text('ca'), ...place }]
    })
  }

  /** The context that commands go to. */
  get active(): Context | undefined {
    const name = textOf(this.#root, 'active', 'environment')
    return this.contexts.find(context => context.name === name)
  }

  activate(name: string): void {
    sectionOf(this.#root, 'active').values.set('environment', name)
  }

  /** Adds the context, or puts it in the place of the one of that name. */
  setContext(context: Context): void {
    if (!this.#names().includes(context.name)) {
      const names = [...this.#names(), context.name]
      sectionOf(this.#root, 'contexts').values.set('environments', names)
    }
    const backend = sectionOf(sectionOf(this.#root, context.name), 'backend')
    backend.values.set('url', context.url)
    backend.values.set('token', context.token ?? '')
    if (context.ca === undefined) backend.values.delete('ca')
    else backend.values.set('ca', context.ca)
    if (context.folder === undefined) return
    const set = sectionOf(sectionOf(this.#root, context.name), 'infrastructure')
    set.values.set('folder', context.folder)
  }

  /** Forgets the context; if it was the active one, none is. */
  removeContext(name: string): void {
    const names = this.#names().filter(one => one !== name)
    sectionOf(this.#root, 'contexts').values.set('environments', names)
    this.#root.sections.delete(name)
    if (textOf(this.#root, 'active', 'environment') !== name) return
    this.#root.sections.delete('active')
    this.workspace = undefined
  }

  get workspace(): string | undefined {
    return textOf(this.#root, 'pachyderm', 'workspace') || undefined
  }
  set workspace(name: string | undefined) {
    const section = sectionOf(this.#root, 'pachyderm')
    if (name === undefined) section.values.delete('workspace')
    else section.values.set('workspace', name)
  }

  /** Writes the file whole or not at all, for its owner's eyes only: it may hold a token. */
  save(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const part = join(this.folder, `.config.${process.pid}`)
    try {
      writeFileSync(part, formatIni(this.#root), { mode: 0o600 })
      renameSync(part, join(this.folder, 'config'))
    } catch (cause) {
      rmSync(part, { force: true })
      throw cause
    }
  }

  #names(): string[] {
    const names = this.#root.sections.get('contexts')?.values.get('environments') ?? []
    return Array.isArray(names) ? names : [names]
  }
}

/** The state of a `.kaos` folder; CONFIGURATION when its file cannot be read. */
export function readState(folder: string): State {
  const file = join(folder, 'config')
  try {
    return new State(folder, parseIni(readFileSync(file, 'utf8')))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const next = 'mend it, or write it anew with kaos init -e <endpoint> --force'
    throw new KaosError('CONFIGURATION', `${file}: ${why}; ${next}`, { cause })
  }
}

/** The state to be written in this directory: what is there is kept as far as it can be read. */
export function stateHere(directory: string): State {
  const folder = join(directory, FOLDER)
  try {
    return readState(folder)
  } catch {
    return new State(folder)
  }
}

/** The `.kaos` folder that holds for this directory; undefined when there is none. */
export function findStateFolder(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const folder = join(at, FOLDER)
    if (existsSync(folder) && (at === directory || isOurs(folder))) return folder
    if (at === dirname(at)) return undefined
  }
}

function isOurs(folder: string): boolean {
  const me = process.getuid?.()
  return me === undefined || statSync(folder).uid === me
}

/** 1.0 kept one `[backend]` at the top, and the user in `[DEFAULT]`. */
function modern(root: Section): Section {
  const old = root.sections.get('backend')
  const user = root.sections.get('DEFAULT')?.values.get('user')
  if (user !== undefined && textOf(root, 'default', 'user') === undefined) {
    sectionOf(root, 'default').values.set('user', user)
  }
  root.sections.delete('DEFAULT')
  if (old === undefined || root.sections.has('contexts')) return root
  sectionOf(root, 'contexts').values.set('environments', [REMOTE])
  sectionOf(root, 'active').values.set('environment', REMOTE)
  sectionOf(root, REMOTE).sections.set('backend', old)
  root.sections.delete('backend')
  return root
}

function textOf(root: Section, section: string, key: string): string | undefined {
  const value = root.sections.get(section)?.values.get(key)
  return typeof value === 'string' ? value : undefined
}
