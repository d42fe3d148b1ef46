/* Virtual environments, one per set of requirements and interpreter, made once and shared by all
 * attempts of this host: `<cache>/<key>/`, good when it holds `complete`. A venv knows its own path,
 * so it is made in place, under a lock that a dead process does not hold. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { writeDurably } from '../durably.ts'
import { takeLock } from '../lock.ts'
import { askPython, type Python } from './host.ts'
import { LAUNCH_SCRIPT, type LaunchSpec } from './launch-script.ts'

const execute = promisify(execFile)
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A requirements file: `model/requirements.txt` and its text. */
export interface Requirements {
  readonly name: string
  readonly path: string
  readonly text: string
}

/** What programs are run with. */
export interface Interpreter {
  readonly key: string
  readonly python: string
  /** Folder that stands first on PATH. */
  readonly bin: string
  readonly packages: Readonly<Record<string, string>>
  /** `pip freeze`; empty without a venv. */
  readonly lock: string
}

/** pip refused: the bundle's failure, told in its own words. */
export class PipFailure extends Error {}

/** The requirements files that ask for anything. */
export async function readRequirements(
  folder: string,
  names: readonly string[],
): Promise<Requirements[]> {
  const found: Requirements[] = []
  for (const name of names) {
    const path = join(folder, name)
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text.split('\n').some(line => /^\s*[^#\s]/.test(line))) found.push({ name, path, text })
  }
  return found
}

export interface VenvOptions {
  readonly cache: string
  readonly python: Python
  /** For pip: HOME, proxies, PIP_*. */
  readonly env: Readonly<Record<string, string>>
}

export class Venvs {
  readonly #options: VenvOptions
  #plain: Promise<Interpreter> | undefined

  constructor(options: VenvOptions) {
    this.#options = options
  }

  /** The interpreter without packages of a bundle: this host's own. */
  async plain(): Promise<Interpreter> {
    const known = await this.#plain?.catch(() => undefined)
    if (known !== undefined && existsSync(known.bin)) return known
    this.#plain = this.#makePlain()
    return this.#plain
  }

  async #makePlain(): Promise<Interpreter> {
    const { cache, python } = this.#options
    const key = `plain-${createHash('sha256').update(python.path).digest('hex').slice(0, 16)}`
    const bin = join(cache, key, 'bin')
    await mkdir(bin, { recursive: true })
    for (const name of ['python', 'python3']) {
      // Not a link: an interpreter of a venv finds its packages by the path it was started with.
      const temporary = join(bin, `.${name}.${newId()}`)
      await writeFile(temporary, `#!/bin/sh\nexec '${python.path}' "$@"\n`)
      await chmod(temporary, 0o755)
      await rename(temporary, join(bin, name))
    }
    return { key, python: python.path, bin, packages: python.packages, lock: '' }
  }

  /** The venv of this key if it is whole. */
  async find(key: string): Promise<Interpreter | undefined> {
    const folder = join(this.#options.cache, key)
    const python = join(folder, 'bin', 'python')
    if (!existsSync(join(folder, 'complete')) || !existsSync(python)) return undefined
    const known = JSON.parse(await readFile(join(folder, 'complete'), 'utf8'))
    return { key, python, bin: join(folder, 'bin'), ...known }
  }

  /** Finds or makes it; `fresh` never finds. `work` is a folder for passing files. PipFailure if pip
   * refuses. */
  async prepare(
    requirements: readonly Requirements[],
    work: string,
    log: (line: string) => void,
    signal: AbortSignal,
    { fresh = false }: { readonly fresh?: boolean | undefined } = {},
  ): Promise<Interpreter> {
    if (requirements.length === 0) return this.plain()
    const known = await this.#keyOf(requirements)
    const key = fresh ? createHash('sha256').update(`${known} ${newId()}`).digest('hex') : known
    const lock = join(this.#options.cache, `${key}.lock`)
    const waiting = () => log('Waiting for another build of the same environment')
    const unlock = await takeLock(lock, signal, waiting)
    try {
      const there = await this.find(key)
      if (there !== undefined) {
        log(`Using the environment made before for these requirements (${key.slice(0, 12)})`)
        return there
      }
      return await this.#make(key, requirements, work, log, signal)
    } finally {
      unlock()
    }
  }

  async #keyOf(requirements: readonly Requirements[]): Promise<string> {
    const { path, version, platform } = this.#options.python
    const hash = createHash('sha256').update(JSON.stringify([path, version, platform]))
    for (const { name, path, text } of requirements) {
      hash.update(JSON.stringify([name, text]))
      // What a line takes from the bundle itself is part of what the environment is made of.
      if (/^\s*(-[rce]|--(requirement|constraint|editable)|\.)/m.test(text)) {
        await hashFolder(join(path, '..'), hash)
      }
    }
    return hash.digest('hex')
  }

  async #make(
    key: string,
    requirements: readonly Requirements[],
    work: string,
    log: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Interpreter> {
    const folder = join(this.#options.cache, key)
    await rm(folder, { recursive: true, force: true })
    try {
      log(`Making a virtual environment with Python ${this.#options.python.version}`)
      await this.#venv(folder, work, log, signal)
      const files = requirements.flatMap(one => ['-r', one.path])
      log(`Installing ${requirements.map(one => one.name).join(' and ')}`)
      const pip = [join(folder, 'bin', 'python'), '-m', 'pip', '--disable-pip-version-check']
      const install = [...pip, 'install', '--no-input', '--progress-bar', 'off', ...files]
      const said: string[] = []
      const note = (line: string) => {
        if (/^\s*ERROR:/.test(line)) said.push(line.trim())
        log(line)
      }
      const code = await this.#run(install, join(requirements[0]!.path, '..'), work, note, signal)
      if (code !== 0) throw new PipFailure(refusalOf(said, requirements, code))
      const { stdout } = await execute(pip[0]!, [...pip.slice(1), 'freeze'], { env: {} })
      const { packages } = await askPython(pip[0]!)
      // One sync for thousands of files: what is complete stays so.
      await execute(pip[0]!, ['-c', 'import os; os.sync()'], { env: {} })
      writeDurably(join(folder, 'complete'), { packages, lock: stdout })
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
    return (await this.find(key))!
  }

  async #venv(folder: string, work: string, log: (line: string) => void, signal: AbortSignal) {
    const { python } = this.#options
    const said: string[] = []
    const note = (line: string) => {
      said.push(line)
      log(line)
    }
    const code = await this.#run([python.path, '-m', 'venv', folder], work, work, note, signal)
    if (code === 0) return
    const message = `${python.path} cannot make virtual environments; on Debian install python3-venv`
    throw new KaosError('RUNNER_UNAVAILABLE', message, { detail: { said: said.slice(-20) } })
  }

  /** Through the launcher, so that nothing goes on when this process is killed. */
  async #run(
    argv: readonly string[],
    cwd: string,
    work: string,
    log: (line: string) => void,
    signal: AbortSignal,
  ): Promise<number> {
    signal.throwIfAborted()
    const script = join(work, 'launch.py')
    const spec: LaunchSpec = {
      private: false,
      user: false,
      root: work,
      binds: [],
      cwd,
      argv,
      env: { ...this.#options.env, PATH: `${join(argv[0]!, '..')}:${SYSTEM_PATH}` },
    }
    await writeFile(script, LAUNCH_SCRIPT)
    await writeFile(join(work, 'pip.json'), JSON.stringify(spec))
    const parameters = ['-I', '-S', script, 'run', join(work, 'pip.json'), String(process.pid)]
    const child = spawn(this.#options.python.path, parameters, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {},
    })
    const end = () => child.kill('SIGUSR1')
    signal.addEventListener('abort', end)
    try {
      const code = new Promise<number>((resolve, reject) => {
        child.once('error', reject)
        child.once('close', code => resolve(code ?? 1))
      })
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', log)
      }
      const ended = await code
      signal.throwIfAborted()
      return ended
    } finally {
      signal.removeEventListener('abort', end)
    }
  }
}

async function hashFolder(folder: string, hash: ReturnType<typeof createHash>): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries.filter(entry => entry.isFile())
  for (const path of files.map(entry => join(entry.parentPath, entry.name)).sort()) {
    hash.update(path.slice(folder.length)).update(await readFile(path))
  }
}

/** One sentence, naming the line of the requirements that pip means. */
function refusalOf(said: string[], files: readonly Requirements[], code: number): string {
  const error = said.at(-1)?.replace(/^ERROR:\s*/, '') ?? `pip ended with exit code ${code}`
  const all = said.join('\n').toLowerCase()
  for (const { name, text } of files) {
    for (const [index, line] of text.split('\n').entries()) {
      const wanted = /^\s*([A-Za-z0-9][\w.-]*)/.exec(line)?.[1]?.toLowerCase()
      if (wanted === undefined || !all.includes(wanted)) continue
      return `${name}, line ${index + 1}, "${line.trim()}" cannot be installed: ${error}`
    }
  }
  return `${files.map(one => one.name).join(' and ')} cannot be installed: ${error}`
}
