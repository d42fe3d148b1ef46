/* The HTTP side of the CLI. Every call may be sent again: reading changes nothing, and a change carries
 * an Idempotency-Key that stays the same, so the server does it once. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { KaosError } from '../api/errors.ts'
import type { ServerView } from '../api/wire.ts'
import { errorOf, faultOf, isJson, notKaos } from './faults.ts'

/** The same as API_VERSION in api/wire.ts (a test compares them), without the cost of its schemas. */
export const API_VERSION = 1

type Query = Record<string, string | number | boolean | undefined>
interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  query?: Query
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** Waits between tries of a call that met a lost connection: about twenty seconds, a restart's time. */
const LOST_MS = [100, 200, 400, 800, 1600, 3200, 6400, 6400]
/** And of one that was told to come back. */
const BUSY_MS = [250, 1000, 4000]
const BUSY = new Set([429, 502, 503, 504])
const RETRY_AFTER_MAX_MS = 30_000

export class Client {
  readonly endpoint: string
  readonly #token: string | undefined
  /** It has answered before, so a refused connection is a restart and not a wrong address. */
  #met = false

  constructor(endpoint: string, token: string | undefined) {
    this.endpoint = endpoint
    this.#token = token
  }

  /** Path below /api/v1. */
  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#call({ method: 'GET', path, query }, response => this.#json<T>(response))
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
    const call: Call = { method: 'POST', path, headers, body: JSON.stringify(body) }
    return this.#call(call, response => this.#json<T>(response))
  }

  async delete(path: string): Promise<void> {
    const headers = { 'idempotency-key': randomUUID() }
    await this.#call({ method: 'DELETE', path, headers }, response => response.arrayBuffer())
  }

  /** Sends bytes that the server knows by content, so sending them twice needs no key. */
  send(path: string, body: Uint8Array, type = 'application/octet-stream'): Promise<Buffer> {
    const headers = { 'content-type': type }
    return this.#call({ method: 'POST', path, headers, body }, async response =>
      Buffer.from(await response.arrayBuffer()),
    )
  }

  async bytes(path: string, query: Query = {}): Promise<Buffer> {
    return this.#call({ method: 'GET', path, query }, async response =>
      Buffer.from(await response.arrayBuffer()),
    )
  }

  /** An answer as it comes. When it breaks off, iteration throws UNREACHABLE. */
  async *stream(path: string, query: Query = {}): AsyncGenerator<Uint8Array> {
    const body = await this.#call({ method: 'GET', path, query }, async response => response.body)
    if (body === null) return
    try {
      for await (const bytes of body) yield bytes
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

  async #call<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    for (let lost = 0, busy = 0; ; ) {
      try {
        const response = await this.#fetch(call)
        if (response.ok) {
          const answer = await read(response)
          this.#met = true
          return answer
        }
        const error = await errorOf(response, this.endpoint)
        const wait = isBusy(response, error) ? waitOf(response, BUSY_MS[busy++]) : undefined
        if (error.code === 'VERSION_MISMATCH') throw mismatch(error.detail.server)
        if (wait === undefined) throw error
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

  #fetch({ method, path, query = {}, headers, body }: Call): Promise<Response> {
    const url = new URL(`${this.endpoint}/api/v1${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const all = new Headers({ 'kaos-api-client': String(API_VERSION), ...headers })
    if (this.#token !== undefined) all.set('authorization', `Bearer ${this.#token}`)
    return fetch(url, {
      method,
      headers: all,
      redirect: 'manual',
      ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
    })
  }

  async #json<T>(response: Response): Promise<T> {
    if (!isJson(response)) {
      await response.body?.cancel()
      throw notKaos(this.endpoint)
    }
    const text = await response.text()
    try {
      return JSON.parse(text)
    } catch {
      throw notKaos(this.endpoint)
    }
  }
}

/** In progress: the first try of this very call, whose connection was lost, is still at work. */
function isBusy(response: Response, { code }: KaosError): boolean {
  if (code === 'IDEMPOTENCY_IN_PROGRESS') return true
  return BUSY.has(response.status) && code !== 'RUNNER_UNAVAILABLE'
}

function waitOf(response: Response, usual: number | undefined): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  if (usual === undefined || Number.isNaN(seconds)) return usual
  return Math.min(seconds * 1000, RETRY_AFTER_MAX_MS)
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
