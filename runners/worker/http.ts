/* HTTP to the server: one call, its answer, and errors told as KaosErrors. node:http and not fetch,
 * since only so a worker can be given the certificate of a server's own authority. */
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { CODES, type Code, KaosError } from '../../api/errors.ts'
import { traceparentHere } from '../../api/tracing/tracing.ts'
import type { Problem } from '../../api/wire.ts'

export interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token: string
  readonly body?: readonly Uint8Array[]
  readonly type?: string
  readonly signal?: AbortSignal
  /** Of silence. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000

export class Http {
  readonly #base: URL
  readonly #agent: PlainAgent | SecureAgent

  constructor(server: string, ca: string | undefined) {
    this.#base = new URL(server)
    const options = { keepAlive: true, maxSockets: 128 }
    this.#agent =
      this.#base.protocol === 'https:'
        ? new SecureAgent({ ...options, ...(ca === undefined ? {} : { ca }) })
        : new PlainAgent(options)
  }

  /** The answer with its body unread. UNREACHABLE, or what the server says went wrong. */
  async open(call: Call): Promise<IncomingMessage> {
    const answer = await this.#send(call)
    const status = answer.statusCode ?? 0
    if (status >= 200 && status < 300) return answer
    const body = await readAll(answer).catch(() => Buffer.alloc(0))
    throw problemOf(answer, body, call)
  }

  async call(call: Call): Promise<{ status: number; body: Buffer }> {
    const answer = await this.open(call)
    try {
      return { status: answer.statusCode ?? 0, body: await readAll(answer) }
    } catch (cause) {
      throw unreachable(this.#base, cause)
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(call: Call): Promise<IncomingMessage> {
    call.signal?.throwIfAborted()
    const body = call.body ?? []
    const length = body.reduce((sum, piece) => sum + piece.length, 0)
    const traceparent = traceparentHere()
    const headers = {
      authorization: `Bearer ${call.token}`,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(call.method === 'POST' ? { 'content-length': length } : {}),
      ...(call.type === undefined ? {} : { 'content-type': call.type }),
    }
    const path = this.#base.pathname.replace(/\/$/, '') + call.path
    const url = new URL(path, this.#base)
    const open = this.#base.protocol === 'https:' ? secureRequest : plainRequest
    return new Promise((resolve, reject) => {
      const { method, signal } = call
      const options = { method, headers, agent: this.#agent, ...(signal ? { signal } : {}) }
      const sending = open(url, options, resolve)
      sending.setTimeout(call.timeoutMs ?? TIMEOUT_MS, () => sending.destroy(new Error('silence')))
      sending.once('error', cause => {
        reject(signal?.aborted ? signal.reason : unreachable(this.#base, cause))
      })
      for (const piece of body) sending.write(piece)
      sending.end()
    })
  }
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(answer))
}

function unreachable(base: URL, cause: unknown): KaosError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new KaosError('UNREACHABLE', `the server at ${base.origin} cannot be reached: ${why}`, {
    cause,
  })
}

function problemOf(answer: IncomingMessage, body: Buffer, call: Call): KaosError {
  const { statusCode: status = 0, headers } = answer
  let told: Partial<Problem> = {}
  try {
    told = JSON.parse(body.toString('utf8'))
  } catch {
    // Not from our server: a proxy's page, for instance. The status says enough.
  }
  const code = told.code !== undefined && told.code in CODES ? (told.code as Code) : undefined
  const message = told.detail ?? `${call.method} ${call.path} was answered with ${status}`
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  const again = Number.isFinite(seconds) ? { retryAfter: seconds } : {}
  return new KaosError(code ?? codeOf(status), message, { detail: { ...told.data, ...again } })
}

function codeOf(status: number): Code {
  if (status === 401) return 'AUTHORIZATION_FAILURE'
  if (status === 403) return 'NOT_PERMITTED'
  if (status === 404) return 'NOT_FOUND'
  if (status === 409) return 'CONFLICT'
  if (status === 413) return 'TOO_LARGE'
  return status >= 500 || status === 429 || status === 408 ? 'UNAVAILABLE' : 'BAD_REQUEST'
}
