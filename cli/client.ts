/* The HTTP side of the CLI. Every call may be sent again: reading changes nothing, and a change carries
 * an Idempotency-Key that stays the same, so the server does it once. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { KaosError } from '../api/errors.ts'
import type { ServerView } from '../api/wire.ts'
import { errorOf, faultOf, isJson, notKaos, traced } from './faults.ts'
import { type Answer, exchange } from './http.ts'

/** The same as API_VERSION in api/wire.ts (a test compares them), without the cost of its schemas. */
export const API_VERSION = 1

type Value = string | number | boolean
type Query = Record<string, Value | readonly Value[] | undefined>
interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  query?: Query
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** Waits between tries of a call that met a lost connection: about twenty seconds, a restart's time. */
const LOST_MS = [100, 200, 400, 800, 1600, 3200, 6400, 6400]
/** And of one that was told to come back: a minute, in which a part of the server can be started again. */
const BUSY_MS = [250, 1000, 4000, ...new Array<number>(11).fill(5000)]
/** Who waits longer than that is told why. */
const TOLD_AFTER = 2
const BUSY = new Set([408, 429, 502, 503, 504])
const RETRY_AFTER_MAX_MS = 30_000
/** So much longer than told some wait, so that not all come back in the same moment. */
const JITTER = 0.25

export class Client {
  readonly endpoint: string
  readonly #token: string | undefined
  readonly #waiting: (why: string) => void
  /** It has answered before, so a refused connection is a restart and not a wrong address. */
  #met = false

  /** `waiting` hears why a call takes so long, once per call. */
  constructor(
    endpoint: string,
    token: string | undefined,
    waiting: (why: string) => void = () => {},
  ) {
    this.endpoint = endpoint
    this.#token = token
    this.#waiting = waiting
  }

  /** Path below /api/v1. */
  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#call({ method: 'GET', path, query }, answer => this.#json<T>(answer))
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
    const call: Call = { method: 'POST', path, headers, body: JSON.stringify(body) }
    return this.#call(call, answer => this.#json<T>(answer))
  }

  async delete(path: string): Promise<void> {
    const headers = { 'idempotency-key': randomUUID() }
    await this.#call({ method: 'DELETE', path, headers }, answer => answer.bytes())
  }

  /** Sends bytes that the server knows by content, so sending them twice needs no key. */
  send(path: string, body: Uint8Array, type = 'application/octet-stream'): Promise<Buffer> {
    const headers = { 'content-type': type }
    return this.#call({ method: 'POST', path, headers, body }, answer => answer.bytes())
  }

  async bytes(path: string, query: Query = {}): Promise<Buffer> {
    return this.#call({ method: 'GET', path, query }, answer => answer.bytes())
  }

  /** An answer as it comes. When it breaks off, iteration throws UNREACHABLE. */
  async *stream(path: string, query: Query = {}): AsyncGenerator<Uint8Array> {
    yield* (await this.open(path, query)).stream()
  }

  /** The same, with its headers. */
  async open(path: string, query: Query = {}): Promise<Pick<Answer, 'header' | 'stream'>> {
    const answer = await this.#call({ method: 'GET', path, query }, async answer => answer)
    return { header: name => answer.header(name), stream: () => this.#stream(answer) }
  }

  async *#stream(answer: Answer): AsyncGenerator<Uint8Array> {
    try {
      yield* answer.stream()
    } catch (thrown) {
      throw faultOf(thrown, this.endpoint).error
    }
  }

  /** Who is there; VERSION_MISMATCH when we cannot speak to each other. */
  async server(): Promise<ServerView> {
    const view = await this.get<Partial<ServerView>>('/server')
    if (view.name !== 'kaos' || typeof view.api !== 'number') throw notKaos(this.endpoint)
    if (view.api !== API_VERSION) throw mismatch(view.api)
    return view as ServerView
  }

  async #call<T>(call: Call, read: (answer: Answer) => Promise<T>): Promise<T> {
    for (let lost = 0, busy = 0; ; ) {
      try {
        const answer = await this.#exchange(call)
        if (answer.ok) {
          const result = await read(answer)
          this.#met = true
          return result
        }
        const error = await errorOf(answer, this.endpoint)
        const wait = isBusy(answer, error) ? waitOf(answer, BUSY_MS[busy++]) : undefined
        if (error.code === 'VERSION_MISMATCH') throw mismatch(error.detail.server)
        if (wait === undefined) throw traced(error, answer)
        if (busy === TOLD_AFTER) this.#waiting(error.message)
        await sleep(wait)
      } catch (thrown) {
        if (thrown instanceof KaosError) throw thrown
        const { error, passing } = faultOf(thrown, this.endpoint)
        const wait = LOST_MS[lost++]
        const again = passing === 'yes' || (passing === 'refused' && this.#met)
        if (!again || wait === undefined) throw error
        await sleep(wait)
      }
    }
  }

  /** A traceparent in the environment, as OpenTelemetry hands it to programs, is passed on. */
  async #exchange({ method, path, query = {}, headers, body }: Call): Promise<Answer> {
    const url = new URL(`${this.endpoint}/api/v1${path}`)
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value ?? []].flat()) url.searchParams.append(name, String(one))
    }
    const all = {
      'kaos-api-client': String(API_VERSION),
      ...(process.env.TRACEPARENT && { traceparent: process.env.TRACEPARENT }),
      ...headers,
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
    }
    return exchange(url, { method, headers: all, body })
  }

  async #json<T>(answer: Answer): Promise<T> {
    if (answer.status === 204) {
      answer.discard()
      return undefined as T
    }
    if (!isJson(answer)) {
      answer.discard()
      throw notKaos(this.endpoint)
    }
    const bytes = await answer.bytes()
    try {
      return JSON.parse(bytes.toString('utf8'))
    } catch {
      throw notKaos(this.endpoint)
    }
  }
}

/** In progress: the first try of this very call, whose connection was lost, is still at work. */
function isBusy({ status }: Answer, { code }: KaosError): boolean {
  if (code === 'IDEMPOTENCY_IN_PROGRESS') return true
  return BUSY.has(status) && code !== 'RUNNER_UNAVAILABLE'
}

function waitOf(answer: Answer, usual: number | undefined): number | undefined {
  const seconds = Number(answer.header('retry-after') ?? Number.NaN)
  if (usual === undefined || Number.isNaN(seconds)) return usual
  return Math.min(seconds * 1000, RETRY_AFTER_MAX_MS) * (1 + Math.random() * JITTER)
}

function mismatch(server: unknown): KaosError {
  const older = typeof server === 'number' && server < API_VERSION
  const which = older ? 'the server' : 'this kaos command'
  const theirs = typeof server === 'number' ? String(server) : 'another version'
  const text = `the server speaks API ${theirs}, this command API ${API_VERSION}; upgrade ${which}`
  return new KaosError('VERSION_MISMATCH', text)
}

/** A path segment or two, safe whatever the name holds. */
export function path(parts: TemplateStringsArray, ...names: string[]): string {
  return String.raw({ raw: parts }, ...names.map(name => encodeURIComponent(name)))
}
