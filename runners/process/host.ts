/* What this host is: its Python, what it can show a program, and the facts that an outcome keeps. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, machine, release, tmpdir, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Environment } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import { LAUNCH_SCRIPT, type LaunchSpec } from './launch-script.ts'

const execute = promisify(execFile)
const PROBE_MS = 20_000

export interface Python {
  /** The interpreter itself, not a shim that finds it. */
  readonly path: string
  readonly version: string
  readonly implementation: string
  readonly platform: string
  readonly libc: string
  /** name -> version. */
  readonly packages: Readonly<Record<string, string>>
}

/** What the kernel lets this user do, as tried and not as read somewhere. */
export interface Abilities {
  /** /opt/program and /pfs at their places. */
  readonly view: boolean
  /** A network of its own for each service. */
  readonly net: boolean
}

const ASK_PYTHON = `
import json, platform, sys, sysconfig
try:
    from importlib.metadata import distributions
    packages = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
except ImportError:
    packages = {}
print(json.dumps({"path": sys.executable, "version": platform.python_version(),
  "implementation": platform.python_implementation(), "platform": sysconfig.get_platform(),
  "libc": " ".join(platform.libc_ver()), "packages": packages}))
`

export async function askPython(command: string): Promise<Python> {
  try {
    const options = { timeout: PROBE_MS, maxBuffer: 16 * 1024 * 1024 }
    const { stdout } = await execute(command, ['-I', '-c', ASK_PYTHON], options)
    return JSON.parse(stdout) as Python
  } catch (cause) {
    const message = `the process runner needs a Python 3, and ${command} does not run; install it`
    throw new KaosError('RUNNER_UNAVAILABLE', message, { cause, detail: { command } })
  }
}

/** Tries both with a real pivot_root, since kernels and containers refuse in different ways. */
export async function tryAbilities(python: string): Promise<Abilities> {
  if (type() !== 'Linux') return { view: false, net: false }
  const folder = await mkdtemp(join(tmpdir(), 'kaos-probe-'))
  try {
    const script = join(folder, 'launch.py')
    await writeFile(script, LAUNCH_SCRIPT)
    const base = [python, '-I', '-S', script]
    const outside = await tryView(folder, 'outside', base, [])
    const net = await tryView(folder, 'inside', base, [...base, 'net'])
    if (outside) return { view: true, net }
    return { view: false, net: await starts([...base, 'net', python, '-I', '-S', '-c', '']) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function tryView(folder: string, name: string, base: string[], before: string[]) {
  const dir = join(folder, name)
  for (const part of ['root', 'program', 'out', 'data']) {
    await mkdir(join(dir, part), { recursive: true })
  }
  const bind = (part: string, target: string, readOnly: boolean) => {
    return { source: join(dir, part), target, readOnly }
  }
  const spec: LaunchSpec = {
    private: true,
    user: before.length === 0,
    root: join(dir, 'root'),
    binds: [
      bind('program', '/opt/program', false),
      bind('data', '/pfs/data/probe', true),
      bind('out', '/pfs/out', false),
    ],
    cwd: '/opt/program',
    argv: ['/bin/sh', '-c', '! touch /pfs/data/probe/x 2>/dev/null && echo seen > /pfs/out/seen'],
    env: {},
  }
  await writeFile(join(dir, 'spec.json'), JSON.stringify(spec))
  // The launcher ends when its parent is another process than the one named here.
  const run = [...base, 'run', join(dir, 'spec.json'), String(process.pid)]
  if (!(await starts([...before, ...run]))) return false
  return (await readFile(join(dir, 'out', 'seen'), 'utf8').catch(() => '')) === 'seen\n'
}

async function starts([program = '', ...parameters]: string[]): Promise<boolean> {
  try {
    await execute(program, parameters, { timeout: PROBE_MS, killSignal: 'SIGKILL' })
    return true
  } catch {
    return false
  }
}

/** Facts for people and for comparing two outcomes. */
export async function factsOf(python: Python): Promise<Environment> {
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return {
    runner: 'process',
    python: python.version,
    implementation: python.implementation,
    interpreter: python.path,
    platform: python.platform,
    libc: python.libc,
    os: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? type(),
    kernel: `${type()} ${release()}`,
    machine: machine(),
    cpu: cpus()[0]?.model ?? '',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    hashSeed: '0',
  }
}

/** Cores this process may use, by number; empty where that cannot be known. */
export async function allowedCores(): Promise<number[]> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''
  return list.split(',').flatMap(range => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    if (range === '' || Number.isNaN(first)) return []
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
