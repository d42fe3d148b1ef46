/* The files by which a supervisor and whoever started it (or adopts it later) know of each other.
 * They lie in the place's `run` folder; each is written whole or not at all. */
import { join } from 'node:path'
import type { Address, Environment } from '../../api/attempts.ts'
import { readWritten } from '../durably.ts'
import type { ProcessName } from '../host-processes.ts'

/** What the supervisor is told, and whoever adopts the place reads: `run/launch.json`. */
export interface Launch {
  /** What it reads and writes. */
  readonly files: Pick<PlaceFiles, 'log' | 'state' | 'stop' | 'exit'>
  /** Whether /pfs and /opt/program stand at their places. */
  readonly private: boolean
  readonly memoryBytes?: number
  readonly address?: Address
  /** Loopback port that the socket of `address` leads to. */
  readonly relayPort?: number
  /** Command that leads the one to the other, from the network of the service. */
  readonly relay?: readonly string[]
  /** Numbers of the GPUs that it was given. */
  readonly gpus?: readonly string[]
  readonly environment: Environment
}

/** What is known of a started program: `run/state.json`. */
export interface State {
  readonly supervisor: ProcessName
  readonly startedAt: string
  readonly launcher?: ProcessName
}

/** `run/stop.json`: somebody wants the end. `lost`: nobody asked for it, it only must not go on. */
export interface StopWish {
  readonly graceMs: number
  readonly lost?: boolean
}

export interface PlaceFiles {
  readonly run: string
  readonly log: string
  readonly launch: string
  readonly state: string
  readonly stop: string
  readonly exit: string
  /** Writable copy of the program. */
  readonly program: string
  readonly root: string
  readonly tmp: string
  /** Stands for /pfs/data where there is no private view. */
  readonly data: string
  readonly image: string
}

export function placeFiles(dir: string): PlaceFiles {
  const run = join(dir, 'run')
  return {
    run,
    log: join(dir, 'log'),
    launch: join(run, 'launch.json'),
    state: join(run, 'state.json'),
    stop: join(run, 'stop.json'),
    exit: join(run, 'exit.json'),
    program: join(run, 'program'),
    root: join(run, 'root'),
    tmp: join(run, 'tmp'),
    data: join(run, 'data'),
    image: join(run, 'image'),
  }
}

export const readLaunch = (files: PlaceFiles) => readWritten<Launch>(files.launch)
export const readState = (files: PlaceFiles) => readWritten<State>(files.state)
export const readStop = (files: PlaceFiles) => readWritten<StopWish>(files.stop)
