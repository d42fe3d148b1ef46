/* Lays an attempt out in its `run` folder and starts its supervisor. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address, Environment } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import { METRICS_FILE } from '../../api/measurements.ts'
import type { Gpu } from '../../api/workers.ts'
import { writeForThisBoot } from '../durably.ts'
import { LogFile } from '../log-file.ts'
import { FORCED_AT, type Place, type RunOrder, type TrialOrder } from '../runner.ts'
import { readExit } from './ending.ts'
import type { Abilities } from './host.ts'
import type { LaunchSpec } from './launch-script.ts'
import { type Launch, type PlaceFiles, placeFiles } from './place-files.ts'
import { commandOf, copyFolder, linkFolder } from './program.ts'
import type { Supervisors } from './supervisors.ts'
import { type Interpreter, SYSTEM_PATH } from './venvs.ts'

/** The port that services of the original insist on. */
export const SERVICE_PORT = 8080
/** The kernel ends socket paths at 104 to 108 bytes. */
const SOCKET_PATH_MAX = 100

export interface Start {
  readonly place: Place
  readonly order: RunOrder
  /** Of a training: the same order, with what it reads and writes. */
  readonly trial: TrialOrder | undefined
  readonly interpreter: Interpreter
  readonly abilities: Abilities
  readonly supervisors: Supervisors
  readonly environment: Environment
  readonly cpus?: readonly number[]
  /** Absent where the host has none; else all others are hidden from the program. */
  readonly gpus?: readonly Gpu[]
  /** Another service of this runner was given port 8080 and still lives. */
  readonly portGiven: boolean
}

/** Resolves when the program runs, or has been found impossible to start: either can be adopted. */
export async function start(start: Start): Promise<void> {
  const files = placeFiles(start.place.dir)
  await mkdir(files.root)
  await mkdir(files.tmp)
  await copyFolder(start.order.program, files.program)
  const command = commandOf(
    files.program,
    start.trial ? 'train' : 'serve',
    start.interpreter.python,
  )
  const reach = start.trial === undefined ? await reachOf(files, start) : {}
  const { log, state, stop, exit } = files
  const launch: Launch = {
    files: { log, state, stop, exit },
    private: start.abilities.view,
    environment: start.environment,
    ...(start.gpus ? { gpus: start.gpus.map(({ index }) => index) } : {}),
    ...(start.order.resources.memoryBytes === undefined
      ? {}
      : { memoryBytes: start.order.resources.memoryBytes }),
    ...reach,
  }
  await writeFile(files.launch, JSON.stringify(launch), { mode: 0o600 })
  if ('reason' in command) {
    endUnstarted(files, command.reason)
    return
  }
  await supervise(start, files, launch, await specOf(start, files, command.argv, launch))
}

/** A program that nothing can start has failed; that is written down as any other end. */
function endUnstarted(files: PlaceFiles, reason: string): void {
  const now = new Date().toISOString()
  const log = new LogFile(files.log)
  log.line(reason)
  log.close()
  // Named after nobody who lives: there is no supervisor to wait for.
  writeForThisBoot(files.state, { supervisor: { pid: 0, born: '' }, startedAt: now })
  writeForThisBoot(files.exit, { state: 'failed', reason, startedAt: now, finishedAt: now })
}

async function reachOf(files: PlaceFiles, { abilities, portGiven }: Start) {
  if (!abilities.net) {
    // 8080 if nobody has it, for programs that know no other; else any.
    const wanted = portGiven ? undefined : await tryPort(SERVICE_PORT)
    const port = wanted ?? (await tryPort(0)) ?? SERVICE_PORT
    return { address: { host: '127.0.0.1', port } }
  }
  let socket = join(files.run, 's.sock')
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX) {
    socket = join(await mkdtemp(join(tmpdir(), 'kaos-s-')), 's.sock')
  }
  const own = import.meta.url
  const relay = new URL(own.endsWith('.ts') ? './relay-main.ts' : './relay-main.js', own)
  const command = [process.execPath, fileURLToPath(relay), socket, String(SERVICE_PORT)]
  return { address: { socket }, relayPort: SERVICE_PORT, relay: command }
}

/** The port if it is free; 0 finds one. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, exclusive: true }, () => {
      const address = server.address()
      const found = typeof address === 'object' ? address?.port : undefined
      server.close(() => resolve(found))
    })
  })
}

async function specOf(
  start: Start,
  files: PlaceFiles,
  argv: readonly string[],
  launch: Launch,
): Promise<LaunchSpec> {
  const { trial } = start
  const view = launch.private
  const binds = [{ source: files.program, target: '/opt/program', readOnly: false }]
  if (view) {
    binds.push({ source: files.tmp, target: '/opt/tmp', readOnly: false })
    if (trial !== undefined) binds.push(...trialBinds(trial))
  } else if (trial !== undefined) {
    for (const { name, path } of trial.data) await linkFolder(path, join(files.data, name))
  }
  const out = view ? '/pfs/out' : trial?.out
  return {
    private: view,
    user: launch.relayPort === undefined,
    root: files.root,
    binds,
    cwd: view ? '/opt/program' : files.program,
    argv: trial === undefined ? argv : [...argv, `${out}/${trial.output}`],
    env: envOf(start, files, launch),
    ...(start.cpus === undefined ? {} : { cpus: start.cpus }),
  }
}

function trialBinds(order: TrialOrder) {
  const data = order.data.map(({ name, path }) => {
    if (name.includes('/') || name === '.' || name === '..') {
      throw new KaosError('BAD_REQUEST', `"${name}" is no name for a data folder`)
    }
    return { source: path, target: `/pfs/data/${name}`, readOnly: true }
  })
  return [
    ...data,
    { source: order.hyper, target: '/pfs/hyper', readOnly: true },
    { source: order.out, target: '/pfs/out', readOnly: false },
    ...(order.forced === undefined
      ? []
      : [{ source: order.forced, target: FORCED_AT, readOnly: true }]),
  ]
}

/** All that the program finds in its environment: nothing of the worker's own. */
function envOf(start: Start, files: PlaceFiles, launch: Launch): Record<string, string> {
  const { order, trial } = start
  const view = launch.private
  const program = view ? '/opt/program' : files.program
  const threads = String(Math.ceil(order.resources.cpu ?? 0))
  const limits = ['OMP', 'OPENBLAS', 'MKL', 'NUMEXPR'].map(of => [`${of}_NUM_THREADS`, threads])
  const port = launch.address !== undefined && 'port' in launch.address ? launch.address.port : 8080
  return {
    PATH: `${start.interpreter.bin}:${SYSTEM_PATH}`,
    HOME: program,
    LANG: 'C.UTF-8',
    ...(view ? { TMPDIR: '/opt/tmp' } : {}),
    PYTHONUNBUFFERED: '1',
    PYTHONHASHSEED: '0',
    PYTHONDONTWRITEBYTECODE: '1',
    ...(order.resources.cpu === undefined ? {} : Object.fromEntries(limits)),
    ...(start.gpus ? visible(start.gpus) : {}),
    ...order.env,
    ...(trial?.forced === undefined ? {} : { PYTHONPATH: view ? FORCED_AT : trial.forced }),
    KAOS_PROGRAM: program,
    ...(trial === undefined
      ? { PORT: String(port) }
      : {
          KAOS_DATA: view ? '/pfs/data' : files.data,
          KAOS_HYPER: view ? '/pfs/hyper' : trial.hyper,
          KAOS_OUT: view ? '/pfs/out' : trial.out,
          KAOS_METRICS: join(view ? '/pfs/out' : trial.out, trial.output, METRICS_FILE),
        }),
  }
}

function visible(gpus: readonly Gpu[]): Record<string, string> {
  const ids = gpus.map(({ uuid }) => uuid).join(',')
  return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: ids }
}

async function supervise(start: Start, files: PlaceFiles, launch: Launch, spec: LaunchSpec) {
  const { environment: _, ...told } = launch
  const { runs, failure } = await start.supervisors.start({
    id: files.run,
    launch: told,
    spec,
  })
  if (runs || readExit(files) !== undefined) return
  const why = failure === undefined ? '' : `: ${failure}`
  const message = `the supervisor of attempt ${start.place.attempt} ended before the program ran${why}`
  throw new KaosError('RUNNER_UNAVAILABLE', message)
}

/** Removes what a start leaves outside of the place. */
export async function removeOutside(address: Address | undefined, files: PlaceFiles) {
  if (address === undefined || !('socket' in address)) return
  if (address.socket.startsWith(files.run)) return
  await rm(join(address.socket, '..'), { recursive: true, force: true })
}
