/** The attempts API (api/attempts.ts), as the worker calls it. */
import type { Claim, Lease, LogReceipt, Renewal, Report, WorkOrder } from '../../api/attempts.ts'
import { type Digest, rawOf } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import type { Channel } from '../../api/transfer/send.ts'
import type { Enrolment } from '../../api/worker-keys.ts'
import { Http } from './http.ts'
import { requireOrder } from './order.ts'

const API = '/api/v1'
const BASE = `${API}/attempts`
const BYTES_TYPE = 'application/octet-stream'
/** Beyond the time that the server itself waits. */
const CLAIM_SLACK_MS = 20_000
const RENEW_TIMEOUT_MS = 10_000
const ENROL_TIMEOUT_MS = 10_000

export interface ClientOptions {
  /** `http://127.0.0.1:8080` */
  readonly server: string
  /** Scope `worker`. */
  readonly token: string
  /** PEM of the authority to trust beside the known ones. */
  readonly ca?: string
}

export class AttemptsClient {
  readonly #http: Http
  readonly #token: string

  constructor(options: ClientOptions) {
    this.#http = new Http(options.server, options.ca)
    this.#token = options.token
  }

  /** Which log this server keeps. */
  async installation(signal: AbortSignal): Promise<string> {
    const call = { method: 'GET', path: `${API}/server`, token: this.#token } as const
    const { body } = await this.#http.call({ ...call, signal, timeoutMs: ENROL_TIMEOUT_MS })
    return String((JSON.parse(String(body)) as { installation: unknown }).installation)
  }

  /** KEY_REFUSED when the key is retired or revoked, NOT_FOUND at an older server. */
  async enrol(enrolment: Enrolment, signal: AbortSignal): Promise<void> {
    const call = { method: 'POST', path: `${BASE}/enrol`, token: this.#token } as const
    const sent = { ...call, ...json(enrolment), signal, timeoutMs: ENROL_TIMEOUT_MS }
    await this.#http.call(sent)
  }

  /** The next work; undefined when there was none in time. */
  async claim(claim: Claim, signal: AbortSignal): Promise<WorkOrder | undefined> {
    const answer = await this.#http.call({
      method: 'POST',
      path: `${BASE}/claim`,
      token: this.#token,
      ...json(claim),
      signal,
      timeoutMs: claim.waitMs + CLAIM_SLACK_MS,
    })
    if (answer.status === 204) return undefined
    return requireOrder(JSON.parse(String(answer.body)) as WorkOrder)
  }

  attempt(attempt: string, token: string): AttemptCalls {
    return new AttemptCalls(this.#http, attempt, token)
  }

  close(): void {
    this.#http.close()
  }
}

/** The calls of one attempt, each made once: whoever calls decides what to try again. */
export class AttemptCalls implements Channel {
  readonly #http: Http
  readonly #base: string
  readonly #token: string

  constructor(http: Http, attempt: string, token: string) {
    this.#http = http
    this.#base = `${BASE}/${attempt}`
    this.#token = token
  }

  renew(renewal: Renewal, signal: AbortSignal): Promise<Lease> {
    return this.#json('renew', { ...json(renewal), signal, timeoutMs: RENEW_TIMEOUT_MS })
  }

  /** Answers the offset up to which the server has the log. */
  log(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    return this.#append('log', offset, bytes, signal)
  }

  /** The same for what was measured. */
  measurements(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    return this.#append('measurements', offset, bytes, signal)
  }

  /** The same for the metrics that a training says. */
  metrics(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    return this.#append('metrics', offset, bytes, signal)
  }

  async #append(
    journal: 'log' | 'measurements' | 'metrics',
    offset: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<number> {
    try {
      const sent = { body: [bytes], type: BYTES_TYPE, signal }
      return (await this.#json<LogReceipt>(`${journal}?offset=${offset}`, sent)).offset
    } catch (error) {
      // The server has less than we thought: it says from where on it wants the rest.
      if (!isKaosError(error, 'CONFLICT')) throw error
      const { offset: wanted } = error.detail
      if (typeof wanted !== 'number' || wanted >= offset) throw error
      return wanted
    }
  }

  async have(digests: readonly Digest[]): Promise<boolean[]> {
    if (digests.length === 0) return []
    const path = `${this.#base}/have`
    const sent = { body: [Buffer.concat(digests.map(rawOf))], type: BYTES_TYPE }
    const { body } = await this.#http.call({ method: 'POST', path, token: this.#token, ...sent })
    if (body.length !== digests.length) {
      throw new KaosError('UNAVAILABLE', `the server answered ${body.length} of ${digests.length}`)
    }
    return Array.from(body, byte => byte === 1)
  }

  async objects(frames: Uint8Array[]): Promise<void> {
    await this.#json('objects', { body: frames, type: FRAMES_TYPE })
  }

  /** The folders of a tree that the order names, as frames. */
  async *folders(tree: Digest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const path = `${this.#base}/trees/${tree}/folders`
    yield* await this.#http.open({ method: 'GET', path, token: this.#token, signal })
  }

  /** Segments and files of it, as frames. */
  async *parts(
    tree: Digest,
    wanted: readonly Digest[],
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const path = `${this.#base}/trees/${tree}/parts`
    const sent = { body: [Buffer.concat(wanted.map(rawOf))], type: BYTES_TYPE, signal }
    yield* await this.#http.open({ method: 'POST', path, token: this.#token, ...sent })
  }

  /** GET from the registry, with the right that the attempt has to its own image. */
  async registry(path: string, signal: AbortSignal): Promise<Buffer> {
    const call = { method: 'GET', path: `/v2/${path}`, token: this.#token, signal } as const
    return (await this.#http.call(call)).body
  }

  async report(report: Report, signal: AbortSignal): Promise<void> {
    await this.#json('report', { ...json(report), signal })
  }

  async #json<T>(
    name: string,
    sent: { body: Uint8Array[]; type: string; signal?: AbortSignal; timeoutMs?: number },
  ): Promise<T> {
    const path = `${this.#base}/${name}`
    const { body } = await this.#http.call({ method: 'POST', path, token: this.#token, ...sent })
    return JSON.parse(body.length === 0 ? '{}' : body.toString('utf8')) as T
  }
}

function json(value: unknown): { body: Uint8Array[]; type: string } {
  return { body: [Buffer.from(JSON.stringify(value))], type: 'application/json' }
}
