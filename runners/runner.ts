/* The runner seam: where work really runs. The worker prepares a place (a folder of the attempt's
 * own) with all inputs on disk, hands it over, and collects what was written. A runner knows nothing
 * of HTTP, ledger or store.
 *
 * Always true: once `run` or `serve` has resolved, `adopt` on the same place finds the program again,
 * also from another process after a kill -9 of this one, and still learns its exit code. After
 * `stop` has resolved nothing of the program is alive. A program that fails is an answer; a runner
 * that cannot run it throws RUNNER_UNAVAILABLE. */
import type { Address, Environment, Image, Resources } from '../api/attempts.ts'
import type { Measurement } from '../api/measurements.ts'
import type { Gpu } from '../api/workers.ts'

/** A folder that belongs to one attempt alone. The runner may keep files of its own in `dir/run`;
 * `dir/log` is the program's output, each line stamped `[YYYY-MM-DD HH:MM:SS] ` in UTC. */
export interface Place {
  readonly attempt: string
  readonly dir: string
}

export interface Capabilities {
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
  /** Those GPUs, where the runner hands them out itself. */
  readonly devices?: readonly Gpu[]
  readonly driver?: string
  readonly cuda?: string
  /** Version and kind of the engine, for people: "Docker Engine 20.10.24". */
  readonly engine: string
  /** Whether programs see their inputs through mounts that nobody can write through, root included. */
  readonly readOnlyInputs: boolean
  /** What a user should know: "no isolation: …". */
  readonly notes: readonly string[]
}

export interface BuildOrder {
  readonly purpose: 'train' | 'serve'
  readonly image: string
  /** Folder that holds Dockerfile and model/, on disk, read-only. */
  readonly source: string
  readonly buildArgs: Readonly<Record<string, string>>
  /** Resolve the packages anew, whatever is cached. */
  readonly fresh?: boolean
}

export type Built =
  | {
      readonly state: 'succeeded'
      readonly kind: Image['kind']
      /** Folder to store as the image's tree; stays until `release`. */
      readonly folder: string
      readonly manifest?: string
      readonly labels: Readonly<Record<string, string>>
      readonly environment: Environment
    }
  | { readonly state: 'failed'; readonly reason: string }

export type Note = (why: string) => void

export interface RunOrder {
  readonly image: Image
  /** Writes the image's tree to disk, for an engine that lacks it; answers the folder. */
  layout(): Promise<string>
  /** The image's OCI config alone, checked against the manifest; absent: it is in the layout. */
  imageConfig?(): Promise<string>
  /** The attempt's token, which pulls this image from the registry and nothing else. */
  readonly pull?: string
  /** Whose work it is. */
  readonly organisation?: string
  /** Told why the program does not run yet, whenever that changes. */
  readonly note?: Note
  /** The program's folder on disk (read-only cache): /opt/program for the process runner. */
  readonly program: string
  readonly resources: Resources
  readonly env: Readonly<Record<string, string>>
}

export interface TrialOrder extends RunOrder {
  /** name: as below /pfs/data; path: folder on disk, never to be written. */
  readonly data: readonly { readonly name: string; readonly path: string }[]
  /** Folder to show at /pfs/hyper. */
  readonly hyper: string
  /** Empty folder to show at /pfs/out, writable. */
  readonly out: string
  /** Six hex digits: the program's argument is /pfs/out/<output>. */
  readonly output: string
  /** Folder to show at FORCED_AT, read-only, and to put first on PYTHONPATH. */
  readonly forced?: string
}

/** Where a program finds what is forced on it. */
export const FORCED_AT = '/opt/kaos'

export interface Exit {
  readonly state: 'succeeded' | 'failed' | 'stopped' | 'lost'
  readonly exit?: number
  readonly reason?: string
  readonly outOfMemory?: boolean
  /** RFC 3339. */
  readonly startedAt: string
  readonly finishedAt: string
}

export interface Running {
  readonly startedAt: string
  /** Resolves when the program has ended, never rejects. */
  readonly exit: Promise<Exit>
  /** Of a service: where it listens, whether or not it answers yet. */
  readonly address?: Address
  /** What it runs in: interpreter, packages, OS, kernel, CPU, GPU, digests, seeds. */
  readonly environment: Environment
}

export interface Runner {
  readonly name: 'process' | 'docker' | 'kubernetes'
  /** False: it builds nothing, and another worker must. */
  readonly builds?: false
  /** Whether its engine lets programs wait for room, so that nobody else need keep account of it. */
  readonly schedules?: true

  /** What is there of its work when this host has started again. `nothing`: no file of an attempt need be
   * synced. `remains`: containers that have ended, to be cleared away; whether what they wrote is
   * whole nobody knows. `work`: it goes on elsewhere. */
  readonly afterBoot: 'nothing' | 'remains' | 'work'

  /** Looks at the host, once. RUNNER_UNAVAILABLE when nothing can be run here. */
  capabilities(): Promise<Capabilities>

  /** Builds the image or environment. Log lines go to `log` as they come. On abort: stops, leaves
   * nothing behind, throws the signal's reason. */
  build(
    order: BuildOrder,
    place: Place,
    log: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Built>

  /** Starts a training. Resolves when it runs and can be adopted, or has ended; an engine that has no
   * room for it lets it wait. `stop` ends that too. */
  run(order: TrialOrder, place: Place): Promise<Running>

  /** Starts a service on a port of its own. */
  serve(order: RunOrder, place: Place): Promise<Running>

  /** Finds what was started in this place, running or ended; undefined if nothing was. Where it does
   * not run yet, waits until it does. */
  adopt(place: Place, note?: Note): Promise<Running | undefined>

  /** Ends the program and everything it started: asks, waits graceMs, kills. No error if it ended. */
  stop(place: Place, graceMs: number): Promise<void>

  /** The log from a byte offset on; follows until the program has ended and all was read. At most
   * LOG_MAX bytes in all: what comes after is dropped and the last line says so. */
  logs(place: Place, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>

  /** What the program uses now; undefined when it does not run. */
  stats(place: Place): Promise<Measurement | undefined>

  /** The outcome is recorded: removes containers, mounts and the runner's own files of this place. */
  release(place: Place): Promise<void>

  /** Lets go of the engine. Programs go on. */
  close(): Promise<void>
}

/** Bytes of log kept of one attempt. */
export const LOG_MAX = 64 * 1024 * 1024
