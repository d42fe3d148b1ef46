/* Looks after what was started in a place, from any process: by the files that the supervisor keeps. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeForThisBoot } from '../durably.ts'
import { lives, type ProcessName } from '../host-processes.ts'
import type { Exit, Running } from '../runner.ts'
import { readExit } from './ending.ts'
import { FileChanges } from './file-changes.ts'
import { type PlaceFiles, readLaunch, readState, type State } from './place-files.ts'

const LOOK_MS = 100
/** Looks at whether the supervisor lives are dearer: one in so many. */
const LOOKS_PER_LIFE = 10
/** How long a supervisor may take beyond the grace period before it is ended itself. */
const PATIENCE_MS = 10_000

/** What runs or ran here. Exits are watched until `closing`; after that they stay open. */
export function runningOf(files: PlaceFiles, closing: AbortSignal): Running | undefined {
  const state = readState(files)
  const launch = readLaunch(files)
  if (state === undefined || launch === undefined) return undefined
  return {
    startedAt: state.startedAt,
    exit: watch(files, closing),
    environment: launch.environment,
    ...(launch.address === undefined ? {} : { address: launch.address }),
  }
}

/** Whether all that will ever be written into the log has been. */
export function hasEnded(files: PlaceFiles): boolean {
  if (readExit(files) !== undefined) return true
  return !lives(readState(files)?.supervisor)
}

async function watch(files: PlaceFiles, closing: AbortSignal): Promise<Exit> {
  const changes = new FileChanges(files.exit)
  try {
    return await exitOf(files, changes, closing)
  } finally {
    changes.close()
  }
}

async function exitOf(
  files: PlaceFiles,
  changes: FileChanges,
  closing: AbortSignal,
): Promise<Exit> {
  for (let looks = 1; ; looks++) {
    const exit = readExit(files)
    if (exit !== undefined) return exit
    const state = readState(files)
    if (state === undefined) return lostExit(new Date().toISOString(), 'its files are gone')
    if (looks % LOOKS_PER_LIFE === 0 && !lives(state.supervisor)) return settle(files, state)
    if (closing.aborted) {
      changes.close()
      return new Promise(() => {})
    }
    await changes.next(LOOK_MS, closing)
  }
}

/** The supervisor is gone: its last word counts if there is one, else the attempt is lost. Either way
 * nothing of it goes on. */
async function settle(files: PlaceFiles, state: State): Promise<Exit> {
  await end(state.launcher)
  const exit = readExit(files)
  if (exit !== undefined) return exit
  const lost = lostExit(state.startedAt, 'its supervisor was killed, or the host started again')
  if (existsSync(files.run)) writeForThisBoot(files.exit, lost)
  return lost
}

function lostExit(startedAt: string, why: string): Exit {
  const reason = `the attempt is lost: ${why}`
  return { state: 'lost', reason, startedAt, finishedAt: new Date().toISOString() }
}

/** The launcher ends all it started when told to; it ended by itself if it could. */
async function end(launcher: ProcessName | undefined): Promise<void> {
  for (let waited = 0; launcher !== undefined && lives(launcher); waited += LOOK_MS) {
    send(launcher, waited < PATIENCE_MS ? 'SIGUSR1' : 'SIGKILL')
    await sleep(LOOK_MS)
  }
}

export async function stopPlace(files: PlaceFiles, graceMs: number): Promise<void> {
  if (!existsSync(files.run)) return
  if (readExit(files) === undefined) {
    // A supervisor that is only just starting finds this before it starts anything.
    writeForThisBoot(files.stop, { graceMs })
    const supervisor = readState(files)?.supervisor
    if (lives(supervisor)) send(supervisor!, 'SIGTERM')
    await gone(files, supervisor, graceMs + PATIENCE_MS)
  }
  const state = readState(files)
  if (state === undefined) return
  await end(state.launcher)
  if (readExit(files) !== undefined) return
  const times = { startedAt: state.startedAt, finishedAt: new Date().toISOString() }
  writeForThisBoot(files.exit, { state: 'stopped', ...times })
}

async function gone(files: PlaceFiles, supervisor: ProcessName | undefined, patienceMs: number) {
  for (let waited = 0; lives(supervisor); waited += LOOK_MS) {
    if (readExit(files) !== undefined) return
    if (waited > patienceMs) send(supervisor!, 'SIGKILL')
    await sleep(LOOK_MS)
  }
}

/** Nothing was started, as far as can be seen; what is only just starting must not go on unseen. */
export function forbidStart(files: PlaceFiles): void {
  if (existsSync(files.launch)) writeForThisBoot(files.stop, { graceMs: 0, lost: true })
}

function send(process_: ProcessName, signal: NodeJS.Signals): void {
  try {
    process.kill(process_.pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}
