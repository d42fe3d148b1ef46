/* Waits for a program's end, also while the engine is away, and puts it into words. */
import type { Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import { exitOf, timeOf } from '../exit.ts'
import { readRecord, writeRecord } from '../records.ts'
import type { Exit, Place } from '../runner.ts'
import type { Purpose } from '../sandbox.ts'
import { type Engine, isGone, pause, reaching } from './engine.ts'
import { PURPOSE_LABEL } from './sandbox.ts'

const RETRY_MS = 500
const GOING = ['removing', 'dead']

export interface Watched {
  readonly engine: Engine
  readonly place: Place
  readonly container: string
  readonly startedAt: string
  /** Aborted when the place is released: nobody wants to know any more. */
  readonly released: AbortSignal
  /** Runs once the program has ended, before that is told. */
  readonly afterwards: (info: Dockerode.ContainerInspectInfo) => Promise<void>
}

/** Resolves when the program has ended; what it resolves to is on disk before. Never rejects, and
 * never resolves once the runner is closed. */
export async function watch(watched: Watched): Promise<Exit> {
  const { engine, place, released } = watched
  const over = AbortSignal.any([engine.closed, released])
  const ended = await endOf(watched, over)
  if (ended === undefined) {
    const exit = lost(watched.startedAt, 'the container is gone from the engine')
    if (released.aborted) return exit
    if (engine.closed.aborted) return new Promise<never>(() => {})
    return keep(place, exit, released)
  }
  const { info, engineLostAt } = ended
  await watched.afterwards(info).catch(() => {})
  const stop = await readRecord(place, 'stop')
  const around = {
    purpose: purposeOf(info),
    memoryBytes: info.HostConfig.Memory ?? 0,
    ...(stop === undefined ? {} : { stoppedAt: stop.at }),
    ...(engineLostAt === undefined ? {} : { engineLostAt }),
  }
  const { State } = info
  const exit = exitOf(
    {
      exit: State.ExitCode,
      outOfMemory: State.OOMKilled,
      startedAt: timeOf(State.StartedAt),
      finishedAt: timeOf(State.FinishedAt),
    },
    around,
  )
  return keep(place, exit, released)
}

export function purposeOf(info: Dockerode.ContainerInspectInfo): Purpose {
  return info.Config.Labels?.[PURPOSE_LABEL] === 'serve' ? 'serve' : 'train'
}

export function lost(startedAt: string, reason: string): Exit {
  return { state: 'lost', reason, startedAt, finishedAt: new Date().toISOString() }
}

interface End {
  readonly info: Dockerode.ContainerInspectInfo
  readonly engineLostAt?: number
}

/** The container's record after its end; undefined if it vanished or nobody waits any more. */
async function endOf(watched: Watched, over: AbortSignal): Promise<End | undefined> {
  const { engine, container: id } = watched
  let engineLostAt: number | undefined
  while (!over.aborted) {
    try {
      await untilEnded(engine, id, over)
      const info = await reaching(engine, () => engine.docker.getContainer(id).inspect())
      // Somebody takes it away by force: its exit code is not the program's.
      if (GOING.includes(info.State.Status)) return undefined
      if (!info.State.Running) return engineLostAt === undefined ? { info } : { info, engineLostAt }
    } catch (error) {
      if (isGone(error) || over.aborted) return undefined
      engineLostAt ??= Date.now()
    }
    await pause(RETRY_MS, over)
  }
  return undefined
}

/** As the client library's `wait`, which never settles when the line is cut after the headers. */
async function untilEnded(engine: Engine, id: string, signal: AbortSignal): Promise<void> {
  const request = {
    path: `/containers/${id}/wait?`,
    method: 'POST',
    isStream: true,
    abortSignal: signal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
  }
  const { promise, resolve, reject } = Promise.withResolvers<Readable>()
  engine.docker.modem.dial(request, (error, answer) => {
    if (error) reject(error)
    else resolve(answer as Readable)
  })
  await (await promise).toArray()
}

async function keep(place: Place, exit: Exit, released: AbortSignal): Promise<Exit> {
  // What is released stays forgotten.
  if (!released.aborted) await writeRecord(place, 'exit', exit).catch(() => {})
  return exit
}
