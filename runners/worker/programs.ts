/* What trainings and services have in common: their order, their log, and their end. */
import { mkdir } from 'node:fs/promises'
import type { Image, Resources } from '../../api/attempts.ts'
import type { Exit, Note, Running, RunOrder } from '../runner.ts'
import { throughAbsence } from './absence.ts'
import { Halt } from './lease.ts'
import { sampleUntil } from './sampling.ts'
import { GRACE_MS, type Work } from './work.ts'

export async function runOrder(work: Work, image: Image, resources: Resources): Promise<RunOrder> {
  await mkdir(work.folder.place.dir, { recursive: true })
  const program = await work.tree(image.program)
  const { token, organisation } = work.folder.order
  return {
    ...{ image, layout: () => work.tree(image.tree), program, resources, env: {} },
    imageConfig: () => work.imageConfig(image),
    pull: token,
    ...(organisation === undefined ? {} : { organisation }),
    note: noteOf(work),
  }
}

/** Says to the user why a program does not run yet; before the log of the program itself. */
function noteOf({ folder, lease, log, resumed }: Work): Note {
  return why => {
    const before = log.size
    log.line(`waiting: ${why}`)
    // What an earlier life of the worker has of the program's log stays counted as that.
    const base = resumed ? folder.progress.logBase + log.size - before : log.size
    folder.advance({ logBase: base })
    lease.set({ phase: 'preparing', waiting: why.slice(0, 1000) })
  }
}

/** Does it, when the engine is there. */
export function present<T>({ lease, log }: Work, what: () => Promise<T>): Promise<T> {
  return throughAbsence({ signal: lease.halted, say: line => log.line(line) }, what)
}

/** Waits for a start no longer than the attempt goes on, and for an engine that is away. One that went
 * away meanwhile may have started it. */
export async function begun<T extends Running | undefined>(
  work: Work,
  start: () => Promise<T>,
): Promise<T | Running> {
  const { folder, lease, runner } = work
  const note = noteOf(work)
  const starting = throughAbsence({ signal: lease.halted, say: note }, async tries => {
    const there = tries === 0 ? undefined : await runner.adopt(folder.place, note)
    return there ?? start()
  })
  starting.catch(() => {})
  const first = await Promise.race([starting, haltOf(lease.halted)])
  if (first instanceof Halt) throw first
  return first
}

/** The program that an earlier life of the worker started. */
export async function adopted(work: Work): Promise<Running> {
  const { folder, runner } = work
  const running = await begun(work, () => runner.adopt(folder.place, noteOf(work)))
  if (running !== undefined) return running
  throw new Error('the worker ended before the program ran')
}

/** Follows the program to its end; asked to stop, it is ended. The log is complete then. Throws the
 * Halt when the end is not for us to see. */
export async function endOf(work: Work, running: Running): Promise<Exit> {
  const { folder, lease, log, runner } = work
  const [following, looking] = [new AbortController(), new AbortController()]
  const sampling = sampleUntil(work, looking.signal)
  const copying = copyLog(work, following.signal)
  try {
    const exit = await Promise.race([running.exit, haltOf(lease.halted)])
    if (!(exit instanceof Halt)) return exit
    if (exit.why !== 'stop') throw exit
    log.line('asked to stop')
    const quitting = { signal: lease.quit, say: (line: string) => log.line(line) }
    await throughAbsence(quitting, () => runner.stop(folder.place, GRACE_MS))
    return { ...(await running.exit), state: 'stopped' }
  } finally {
    looking.abort()
    if (lease.quit.aborted) following.abort()
    await Promise.all([copying, sampling])
  }
}

/** What the runner has logged and we have not, and then what comes. */
async function copyLog({ folder, log, runner }: Work, signal: AbortSignal): Promise<void> {
  const offset = Math.max(0, log.size - folder.progress.logBase)
  try {
    for await (const piece of runner.logs(folder.place, offset, signal)) log.append(piece)
  } catch (error) {
    log.line(
      `the rest of the log cannot be read: ${error instanceof Error ? error.message : error}`,
    )
  }
}

/** Resolves with the reason once the signal is aborted. */
export function haltOf(signal: AbortSignal): Promise<Halt> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}
