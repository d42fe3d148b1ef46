/* How an ended program is reported. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readWritten } from '../durably.ts'
import type { Exit } from '../runner.ts'
import { type Launch, type PlaceFiles, readLaunch, type StopWish } from './place-files.ts'

/** What the supervisor has seen of the end, as it writes it down. */
interface Ending {
  code?: number | null
  signal?: string | null
  /** Somebody wanted the end before it came. */
  wish?: StopWish
  outOfMemory?: boolean
  /** Why the program could not be started; empty if it could. */
  failure: string
}

const TAIL_BYTES = 64 * 1024
const NO_PFS = /(\/pfs\/|\/opt\/program)/
const PORT_TAKEN = /address already in use|EADDRINUSE/i

/** `run/exit.json`: of a supervisor, or of whoever found that there is none. */
type Ended =
  | Exit
  | { readonly ending: Ending; readonly startedAt: string; readonly finishedAt: string }

/** How the program in this place ended; undefined while it has not. */
export function readExit(files: PlaceFiles): Exit | undefined {
  const ended = readWritten<Ended>(files.exit)
  if (ended === undefined || 'state' in ended) return ended
  const { ending, ...times } = ended
  return exitOf(ending, times, files)
}

function exitOf(
  ending: Ending,
  times: { startedAt: string; finishedAt: string },
  files: PlaceFiles,
): Exit {
  const { code, failure, outOfMemory, wish } = ending
  if (wish?.lost) return { state: 'lost', reason: 'the host ended the program', ...times }
  if (wish !== undefined) return { state: 'stopped', ...times }
  if (outOfMemory) return { ...tooMuchMemory(readLaunch(files)), ...times }
  if (failure !== '') return { state: 'lost', reason: failure, ...times }
  if (code === 0) return { state: 'succeeded', exit: 0, ...times }
  if (typeof code !== 'number') {
    return { state: 'lost', reason: `the launcher was ended by ${ending.signal}`, ...times }
  }
  const reason = reasonOf(code, files, readLaunch(files))
  return { state: 'failed', exit: code, ...(reason === undefined ? {} : { reason }), ...times }
}

function tooMuchMemory(launch: Launch | undefined) {
  const mebibytes = Math.round((launch?.memoryBytes ?? 0) / 1024 / 1024)
  return {
    state: 'failed',
    exit: 137,
    outOfMemory: true,
    reason: `the program used more than its ${mebibytes} MiB of memory and was ended; give more with --memory`,
  } as const
}

function reasonOf(code: number, files: PlaceFiles, launch?: Launch): string | undefined {
  const tail = tailOf(files.log)
  if (launch?.private === false && NO_PFS.test(tail)) {
    return (
      'the program looked for /pfs or /opt/program, which this host cannot show at their places: ' +
      'read KAOS_PROGRAM, KAOS_DATA, KAOS_HYPER and KAOS_OUT instead, or use the docker runner'
    )
  }
  if (launch?.address !== undefined && 'port' in launch.address && PORT_TAKEN.test(tail)) {
    return (
      'the port of the service is taken, and this host cannot give each service a port 8080 of ' +
      'its own: listen on the port that PORT names, or use the docker runner'
    )
  }
  if (code === 137) return 'the program was killed by SIGKILL, as the kernel does without memory'
  return undefined
}

function tailOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(file, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8')
  } finally {
    closeSync(file)
  }
}
