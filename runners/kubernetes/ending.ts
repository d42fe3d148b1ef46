/* How a program ended, in words, and on disk before that is told. */
import { exitOf } from '../exit.ts'
import { readRecord, writeRecord } from '../records.ts'
import type { Exit, Place } from '../runner.ts'
import { pause } from './cluster.ts'
import type { Ended } from './state.ts'
import type { Seen, Watched } from './watched.ts'

const RETRY_MS = 500

export interface Around {
  readonly watched: Watched
  readonly place: Place
  readonly startedAt: string
  /** The limit, 0 if there was none. */
  readonly memoryBytes: number
  /** Where a service is reached, if at its pod: that does not survive it. */
  readonly podAddress?: string
  readonly closed: AbortSignal
  /** Aborted when the place is released: nobody wants to know any more. */
  readonly released: AbortSignal
}

/** Resolves when the program has ended. Never rejects, and never resolves once the runner is closed. */
export async function endOf(around: Around): Promise<Exit> {
  const { watched, closed, released } = around
  const over = AbortSignal.any([closed, released])
  while (!over.aborted) {
    const exit = await lookOnce(around).catch(() => undefined)
    if (exit !== undefined) return exit
    if (over.aborted) break
    await Promise.all([watched.change(over), pause(RETRY_MS / 5, over)])
  }
  if (released.aborted) return lost(around.startedAt, 'it was released')
  return new Promise<never>(() => {})
}

async function lookOnce(around: Around): Promise<Exit | undefined> {
  const seen = await around.watched.look()
  if (seen.is === 'waiting') return undefined
  if (seen.is === 'running') return movedFrom(around)
  const stop = await readRecord(around.place, 'stop')
  const exit = exitFrom(seen, around, stop?.at)
  // What is released stays forgotten.
  if (exit !== undefined && !around.released.aborted) await writeRecord(around.place, 'exit', exit)
  return exit
}

/** A service whose pod was made anew elsewhere is no longer where it was said to be. */
async function movedFrom({ watched, place, podAddress, startedAt, released }: Around) {
  const now = watched.pod?.status?.podIP
  if (podAddress === undefined || now === undefined || now === podAddress) return undefined
  const exit = lost(startedAt, `its pod was made anew at another address, ${now}`)
  if (!released.aborted) await writeRecord(place, 'exit', exit)
  return exit
}

function exitFrom(seen: Seen, around: Around, stoppedAt: string | undefined): Exit | undefined {
  const { watched, startedAt } = around
  const what = watched.purpose === 'train' ? 'the training' : 'the service'
  if (seen.is === 'ended') return wordsFor(seen.end, around, stoppedAt)
  if (stoppedAt !== undefined) {
    const finishedAt = new Date().toISOString()
    return { state: 'stopped', reason: `${what} was stopped`, startedAt, finishedAt }
  }
  if (seen.is === 'gone') return lost(startedAt, `${what} is gone from the cluster`)
  if (seen.is !== 'taken') return undefined
  // A Deployment makes another pod elsewhere.
  if (watched.purpose === 'serve') return undefined
  return lost(startedAt, `the cluster ended ${what}: ${seen.why}`)
}

function wordsFor(end: Ended, around: Around, stoppedAt: string | undefined): Exit {
  const { purpose } = around.watched
  const refusal = refusalOf(end, purpose)
  if (refusal !== undefined) {
    const { startedAt, finishedAt } = end
    return { state: 'failed', reason: refusal, startedAt, finishedAt }
  }
  // The cluster's times are whole seconds.
  const stopped = stoppedAt === undefined ? {} : { stoppedAt: `${stoppedAt.slice(0, 19)}Z` }
  return exitOf(end, { purpose, memoryBytes: around.memoryBytes, ...stopped })
}

/** Why a program could not be started at all; undefined when it ran. */
export function refusalOf(end: Ended, name: string): string | undefined {
  const { message, reason } = end
  if (reason === 'OOMKilled') return undefined
  if (end.isFolder) return folderWords(message)
  if (/exec format error/.test(message)) {
    return `the program ./${name} does not begin with a #! line: add one, such as #!/usr/bin/env python3`
  }
  if (!/^(StartError|ContainerCannotRun)$/.test(reason)) return undefined
  if (/permission denied/.test(message)) {
    return `the program ./${name} is not executable: add RUN chmod a+rx ${name} to the Dockerfile`
  }
  if (/no such file or directory|not found/.test(message)) {
    return (
      `the image has no program ./${name} in its working directory, or not the interpreter that its ` +
      `#! line names: put ${name} into model/ and let the Dockerfile copy it there`
    )
  }
  return `the program ./${name} cannot be started: ${message}`
}

function folderWords(message: string): string {
  return (
    "the program's folder could not be made writable: the image must have sh and cp, and files that " +
    `everybody may read (RUN chmod -R a+rX .). It says: ${message || 'nothing'}`
  )
}

function lost(startedAt: string, reason: string): Exit {
  return { state: 'lost', reason, startedAt, finishedAt: new Date().toISOString() }
}
