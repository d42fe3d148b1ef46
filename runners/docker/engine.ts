/* The line to one Docker Engine. An answer of the engine, also a refusal, carries a `statusCode`;
 * whatever else a call throws means that the engine was not reached. */
import { Agent } from 'node:http'
import Dockerode from 'dockerode'
import { KaosError } from '../../api/errors.ts'

const DEFAULT_SOCKET = '/var/run/docker.sock'
/** Long: a busy disk lets an engine take its time. */
const ANSWER_WITHIN_MS = 180_000
const LINE_CODES = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT']

export interface Engine {
  readonly docker: Dockerode
  /** The socket or address, for people. */
  readonly at: string
  /** Whether it is on this host, since it is reached by a socket. */
  readonly local: boolean
  /** Aborted by `hangUp`: whoever waits for the engine stops waiting. */
  readonly closed: AbortSignal
  hangUp(): void
}

/** `socket`: a path, `unix://path`, or `tcp://host:port` of an engine that speaks plain HTTP. */
export function connect(socket: string = DEFAULT_SOCKET): Engine {
  const at = addressOf(socket)
  // Connections are not kept: one that the engine dropped while idle would fail the next call.
  const agent = new Agent({ keepAlive: false })
  const ended = new AbortController()
  const docker = new Dockerode({ ...at.options, agent } as Dockerode.DockerOptions)
  return {
    docker,
    at: at.text,
    local: at.options.socketPath !== undefined,
    closed: ended.signal,
    hangUp() {
      ended.abort()
      agent.destroy()
    },
  }
}

function addressOf(socket: string): { text: string; options: Dockerode.DockerOptions } {
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/.exec(socket) ?? [undefined, 'unix', socket]
  // The client library reads DOCKER_HOST by itself; `host` undefined keeps it from winning here.
  const none = { host: undefined } as unknown as Dockerode.DockerOptions
  if (scheme === 'unix') {
    const path = rest || DEFAULT_SOCKET
    return { text: path, options: { ...none, socketPath: path } }
  }
  if (scheme === 'tcp' || scheme === 'http') {
    const url = new URL(`http://${rest}`)
    const port = url.port === '' ? 2375 : Number(url.port)
    const options = { host: url.hostname, port, protocol: 'http' as const }
    return { text: `${url.hostname}:${port}`, options }
  }
  throw new KaosError(
    'CONFIGURATION',
    `${socket} is no address of a Docker Engine; give a socket's path, unix://path or tcp://host:port`,
    { detail: { socket } },
  )
}

/** The status of the engine's refusal; undefined when the engine was not reached. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** Whether the engine does not know the container or image. */
export function isGone(error: unknown): boolean {
  return statusOf(error) === 404
}

/** The engine's own words, without what the client library puts around them. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim()
}

/** Runs one call; an engine that cannot be reached, or does not answer within the time, becomes
 * RUNNER_UNAVAILABLE with `away` in its detail: it may be there again later. */
export async function reaching<T>(
  engine: Engine,
  call: () => Promise<T>,
  withinMs: number = ANSWER_WITHIN_MS,
): Promise<T> {
  // The client library never settles a call whose line is cut in the middle of the answer.
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(tooLate(withinMs)), withinMs)
  try {
    return await Promise.race([call(), late.promise])
  } catch (error) {
    throw translated(engine, error)
  } finally {
    clearTimeout(timer)
  }
}

function tooLate(afterMs: number): Error {
  return Object.assign(new Error(`no answer within ${afterMs} ms`), { code: 'ETIMEDOUT' })
}

/** The same error, or RUNNER_UNAVAILABLE if it says that the line to the engine is gone. */
export function translated(engine: Engine, error: unknown): unknown {
  const { code, syscall } = error as { code?: string; syscall?: string }
  const isLine = syscall === 'connect' || (code !== undefined && LINE_CODES.includes(code))
  return isLine ? unreachable(engine, error) : error
}

function unreachable(engine: Engine, cause: unknown): KaosError {
  const code = (cause as { code?: string } | undefined)?.code
  const step =
    code === 'EACCES'
      ? 'let this user open it (group docker)'
      : 'start the engine, or name another with KAOS_DOCKER_SOCKET'
  return new KaosError(
    'RUNNER_UNAVAILABLE',
    `no Docker Engine answers at ${engine.at}; ${step}, or set KAOS_RUNNER=process`,
    { detail: { socket: engine.at, away: true, ...(code === undefined ? {} : { code }) }, cause },
  )
}

/** What the engine cannot do for a reason of its own, in its words. */
export function refused(what: string, cause: unknown): KaosError {
  const words = wordsOf(cause)
  if (/no space left on device/i.test(words)) {
    const message = `${what}: the disk of the Docker Engine is full; free some with docker image prune`
    return new KaosError('STORAGE_FULL', message, { cause })
  }
  return new KaosError('RUNNER_UNAVAILABLE', `${what}: ${words}`, { cause })
}

/** Resolves after `ms`, or at once when the engine is hung up. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
