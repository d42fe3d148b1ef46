/* Speaking to an S3 server through the `minio` client: one bucket, one prefix; what may be repeated is
 * repeated; what it answers becomes an error that a user understands.
 *
 * Every body is signed with its SHA-256, so the server refuses one that was changed on the way, over
 * TLS as well; there the client would leave that out. */
import * as http from 'node:http'
import * as https from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'minio'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { Unreadable } from '../packed/shelf.ts'

export interface S3Place {
  /** `http://host:port` or `https://host`. */
  readonly endpoint: string
  readonly bucket: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** Before every name; for several stores in one bucket. */
  readonly prefix?: string
}

/** A request that has brought nothing for so long has failed. */
const SILENCE_MS = 60_000
const TRIES = 4
const PAUSE_MS = 100
const CONNECTIONS = 32

/** What the keys are to blame for. */
const REFUSALS = [
  'AccessDenied',
  'InvalidAccessKeyId',
  'XAdminUserNotFound',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'AllAccessDisabled',
  'RequestTimeTooSkewed',
]
const FULL = ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'StorageFull']
const ABSENT = ['NoSuchKey', 'NotFound']

export class S3Client {
  readonly client: Client
  readonly bucket: string
  readonly place: string
  readonly #prefix: string
  readonly #agent: http.Agent

  constructor({ endpoint, bucket, accessKey, secretKey, region, prefix = '' }: S3Place) {
    const { protocol, hostname, port } = urlOf(endpoint)
    const secure = protocol === 'https:'
    const options = { keepAlive: true, maxSockets: CONNECTIONS }
    this.bucket = bucket
    this.place = `the bucket ${bucket} at ${endpoint}`
    this.#prefix = prefix
    this.#agent = secure ? new https.Agent(options) : new http.Agent(options)
    this.client = new Client({
      endPoint: hostname.replace(/^\[(.*)\]$/, '$1'),
      useSSL: secure,
      ...(port !== '' && { port: Number(port) }),
      accessKey,
      secretKey,
      region,
      pathStyle: true,
      transport: { request: impatient(secure) },
      transportAgent: this.#agent,
      retryOptions: { disableRetry: true },
    })
    this.client.enableSHA256 = true
  }

  key(name: string): string {
    return this.#prefix + name
  }

  /** The name that a key stands for. */
  nameOf(key: string): string {
    return key.slice(this.#prefix.length)
  }

  /** What it answers, or `instead` if there is no such object. Repeats what failed on the way. */
  async ask<T>(request: () => Promise<T>, instead?: () => T): Promise<T> {
    for (let turn = 1; ; turn++) {
      try {
        return await request()
      } catch (error) {
        if (instead !== undefined && ABSENT.includes(codeOf(error))) return instead()
        if (turn === TRIES || !isPassing(error)) throw this.refusal(error)
        await pause(PAUSE_MS * 2 ** turn * (0.5 + Math.random() / 2))
      }
    }
  }

  /** The error as it is told. */
  refusal(cause: unknown): unknown {
    if (cause instanceof Unreadable || isKaosError(cause)) return cause
    const code = codeOf(cause)
    const why = code === '' ? String((cause as Error).message || cause) : code
    if (FULL.includes(code)) {
      const message = `${this.place} is full; remove something or give it more room`
      return new KaosError('STORAGE_FULL', message, { cause })
    }
    if (REFUSALS.includes(code)) {
      const message = `${this.place} refuses these keys (${why}); check them, and this host's clock`
      return new KaosError('CONFIGURATION', message, { cause })
    }
    if (ABSENT.includes(code)) return new Unreadable('its pack is missing', { cause })
    const message = `${this.place} does not answer (${why}); try again`
    return new KaosError('UNAVAILABLE', message, { cause })
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** The S3 error code, if it is one; those of the system are in capitals. */
export function codeOf(error: unknown): string {
  const { code } = Object(error)
  return typeof code === 'string' && /[a-z]/.test(code) ? code : ''
}

/** Whether the same may succeed when it is tried again. */
function isPassing(error: unknown): boolean {
  if (isKaosError(error) || error instanceof Unreadable) return false
  const code = codeOf(error)
  if (code === '') return true
  return (
    ['InternalError', 'SlowDown', 'ServiceUnavailable', 'RequestTimeout', 'BadDigest'].includes(
      code,
    ) ||
    ['XAmzContentSHA256Mismatch', 'ConditionalRequestConflict', 'OperationAborted'].includes(code)
  )
}

function urlOf(endpoint: string): URL {
  const url = URL.parse(endpoint)
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/') return url
  const allowed = 'an address such as http://127.0.0.1:9000 or https://s3.example.com'
  throw new KaosError(
    'CONFIGURATION',
    `${JSON.stringify(endpoint)} is no S3 endpoint; give ${allowed}`,
  )
}

/** `request` of node:http, for which silence is a failure. */
function impatient(secure: boolean): typeof http.request {
  const request = secure ? https.request : http.request
  return ((options: http.RequestOptions, heard?: (answer: http.IncomingMessage) => void) => {
    const made = request(options, heard)
    made.setTimeout(SILENCE_MS, () => {
      made.destroy(new Error(`nothing came for ${SILENCE_MS / 1000} s`))
    })
    return made
  }) as typeof http.request
}
