/* The process runner: programs as processes of this host, each under a supervisor of its own that
 * outlives the worker (supervise-script.ts), started by a launcher (launch-script.ts) that, where the
 * kernel allows it, shows /opt/program and /pfs at their places. There is no isolation to trust. */
import { mkdir } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import type { Environment } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { Measurement } from '../../api/measurements.ts'
import { openGpuLook } from '../gpu-use.ts'
import { findGpus, type Gpus, gpuFacts } from '../gpus.ts'
import { usageOf } from '../host-processes.ts'
import { LogFile } from '../log-file.ts'
import { emptyFolder, removeFolder } from '../remove-folder.ts'
import type {
  BuildOrder,
  Capabilities,
  Place,
  Runner,
  Running,
  RunOrder,
  TrialOrder,
} from '../runner.ts'
import { forbidStart, hasEnded, runningOf, stopPlace } from './attend.ts'
import { DeviceClaims } from './devices.ts'
import { readExit } from './ending.ts'
import { buildEnvironment, interpreterOf, type Setting } from './environments.ts'
import { followFile } from './follow.ts'
import { type Abilities, allowedCores, askPython, factsOf, tryAbilities } from './host.ts'
import { type PlaceFiles, placeFiles, readLaunch, readState } from './place-files.ts'
import { removeOutside, SERVICE_PORT, start } from './start.ts'
import { Supervisors } from './supervisors.ts'
import { Venvs } from './venvs.ts'

export interface ProcessRunnerOptions {
  /** Folder for virtual environments, kept between starts. */
  readonly cache: string
  /** Command that starts the user's Python. */
  readonly python?: string
  /** For pip: HOME, proxies, PIP_*. Programs see none of it. */
  readonly env?: Readonly<Record<string, string>>
  /** Folder that says which program has which GPU, kept between starts. */
  readonly claims?: string
  /** Which GPUs to hand out: numbers or UUIDs, `none`, `all`. */
  readonly gpus?: string
  /** What not to use even if the kernel allows it. */
  readonly without?: readonly (keyof Abilities)[]
}

/** Looks at the host once; RUNNER_UNAVAILABLE without a Python. */
export async function openProcessRunner(options: ProcessRunnerOptions): Promise<Runner> {
  await mkdir(options.cache, { recursive: true })
  const python = await askPython(options.python ?? 'python3')
  const can = await tryAbilities(python.path)
  const without = options.without ?? []
  const abilities = {
    view: can.view && !without.includes('view'),
    net: can.net && !without.includes('net'),
  }
  const gpus = await findGpus(options.gpus)
  const claims = new DeviceClaims(options.claims ?? `${options.cache}-gpus`, gpus.devices)
  const facts = { ...(await factsOf(python)), ...seenAs(abilities) }
  const venvs = new Venvs({ cache: options.cache, python, env: options.env ?? {} })
  const cores = await allowedCores()
  const supervisors = new Supervisors({ python: python.path, folder: options.cache })
  return new ProcessRunner({ venvs, python, facts }, abilities, supervisors, gpus, claims, cores)
}

function seenAs({ view }: Abilities): Environment {
  return { view: view ? 'private mounts' : 'variables' }
}

class ProcessRunner implements Runner {
  readonly name = 'process'
  readonly afterBoot = 'nothing'
  readonly #setting: Setting
  readonly #abilities: Abilities
  readonly #supervisors: Supervisors
  readonly #gpus: Gpus
  readonly #claims: DeviceClaims
  readonly #cores: readonly number[]
  readonly #look = openGpuLook()
  readonly #closing = new AbortController()
  /** The core that the next program with a limit begins at. */
  #nextCore = 0
  /** Where services share the host's ports: who was given 8080. */
  #portHolder: PlaceFiles | undefined

  constructor(
    setting: Setting,
    abilities: Abilities,
    supervisors: Supervisors,
    gpus: Gpus,
    claims: DeviceClaims,
    cores: readonly number[],
  ) {
    this.#setting = setting
    this.#abilities = abilities
    this.#supervisors = supervisors
    this.#gpus = gpus
    this.#claims = claims
    this.#cores = cores
  }

  async capabilities(): Promise<Capabilities> {
    return {
      cpus: this.#cores.length || availableParallelism(),
      memoryBytes: totalmem(),
      gpus: this.#gpus.devices.length,
      ...this.#gpus,
      engine: `processes of this host, Python ${this.#setting.python.version}`,
      readOnlyInputs: this.#abilities.view,
      notes: notesOf(this.#abilities),
    }
  }

  async build(order: BuildOrder, place: Place, log: (line: string) => void, signal: AbortSignal) {
    return buildEnvironment(this.#setting, order, placeFiles(place.dir), log, signal)
  }

  run(order: TrialOrder, place: Place): Promise<Running> {
    return this.#start(order, place, order)
  }

  serve(order: RunOrder, place: Place): Promise<Running> {
    return this.#start(order, place, undefined)
  }

  async #start(order: RunOrder, place: Place, trial: TrialOrder | undefined): Promise<Running> {
    const files = placeFiles(place.dir)
    await emptyFolder(files.run, 0o700)
    const interpreter = await interpreterOf(this.#setting, order, files.run, line => {
      const log = new LogFile(files.log)
      log.line(line)
      log.close()
    })
    const cpus = this.#coresFor(order.resources.cpu)
    const facts = { ...this.#setting.facts, packages: interpreter.packages }
    await this.#claims.holding(order.resources.gpu ?? 0, place.dir, given =>
      start({
        place,
        order,
        trial,
        interpreter,
        abilities: this.#abilities,
        supervisors: this.#supervisors,
        environment: { ...facts, ...gpuFacts(given, this.#gpus) },
        ...(cpus === undefined ? {} : { cpus }),
        ...(this.#gpus.devices.length === 0 ? {} : { gpus: given }),
        portGiven: this.#portHolder !== undefined && !hasEnded(this.#portHolder),
      }),
    )
    const running = this.#runningIn(files)
    if (running !== undefined) return running
    throw new KaosError(
      'RUNNER_UNAVAILABLE',
      `attempt ${place.attempt} was released while it began`,
    )
  }

  /** Whole cores, in turn; none of its own where it may have as many as there are. */
  #coresFor(cpu: number | undefined): number[] | undefined {
    const wanted = Math.ceil(cpu ?? Number.POSITIVE_INFINITY)
    const count = this.#cores.length
    if (wanted >= count) return undefined
    const first = this.#nextCore
    this.#nextCore = (first + wanted) % count
    return Array.from({ length: wanted }, (_, index) => this.#cores[(first + index) % count]!)
  }

  async adopt(place: Place): Promise<Running | undefined> {
    const files = placeFiles(place.dir)
    const running = this.#runningIn(files)
    if (running !== undefined) return running
    forbidStart(files)
    return this.#runningIn(files)
  }

  #runningIn(files: PlaceFiles): Running | undefined {
    const running = runningOf(files, this.#closing.signal)
    const address = running?.address
    if (address !== undefined && 'port' in address && address.port === SERVICE_PORT) {
      this.#portHolder = files
    }
    return running
  }

  stop(place: Place, graceMs: number): Promise<void> {
    return stopPlace(placeFiles(place.dir), graceMs)
  }

  logs(place: Place, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const files = placeFiles(place.dir)
    const ending = AbortSignal.any([signal, this.#closing.signal])
    return followFile(files.log, offset, ending, () => hasEnded(files), files.exit)
  }

  async stats(place: Place): Promise<Measurement | undefined> {
    const files = placeFiles(place.dir)
    const launcher = readState(files)?.launcher
    if (launcher === undefined || readExit(files) !== undefined) return undefined
    const usage = usageOf(launcher)
    if (usage === undefined) return undefined
    const at = new Date().toISOString()
    const given = readLaunch(files)?.gpus ?? []
    const gpus = given.length === 0 ? [] : await this.#look(given)
    return { at, ...usage, ...(gpus.length > 0 && { gpus }) }
  }

  async release(place: Place): Promise<void> {
    const files = placeFiles(place.dir)
    await removeOutside(readLaunch(files)?.address, files)
    await removeFolder(files.run)
    this.#claims.release(place.dir)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#supervisors.close()
  }
}

function notesOf({ net, view }: Abilities): string[] {
  return [
    'no isolation: programs run as the user of the worker; use docker for code you do not trust',
    view
      ? '/opt/program and /pfs stand at their places, in a private view of the file system'
      : 'this host cannot show /pfs and /opt/program at their places: programs find them through KAOS_PROGRAM, KAOS_DATA, KAOS_HYPER and KAOS_OUT',
    net
      ? 'each service has a network of its own with its port 8080; nothing goes out of it'
      : 'services share the ports of this host: each must listen on the port that PORT names',
    '--memory is kept by looking at the memory of all processes twice a second',
    '--cpu chooses whole cores and sets OMP_NUM_THREADS; it does not share a core out',
  ]
}
