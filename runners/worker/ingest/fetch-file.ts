/* One file from the network into a file on the disk: through the guard, through redirects, tried
 * again when that can help, and checked. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { IngestWork } from '../../../api/attempts.ts'
import { type ManifestFile, wrongUrl } from '../../../api/manifest.ts'
import { backoff, pause } from '../patience.ts'
import { Forbidden, type Guard } from './guard.ts'

export interface Fetched {
  readonly sha256: string
  readonly size: number
}

/** The file will not come, however often it is asked for. */
export class Unfetchable extends Error {}

export interface FetchOptions {
  readonly limits: IngestWork['limits']
  readonly signal: AbortSignal
  /** Told of all bytes as they come, and (negative) of those thrown away; throws when there are too many in all. */
  readonly count: (bytes: number) => void
}

const RETRIES = 3
const REDIRECTS_MAX = 5
const RETRY_AFTER_MAX_S = 30
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504])

/** An answer, or a broken connection, after which it is worth asking again. */
class Passing extends Error {
  readonly afterMs: number | undefined

  constructor(message: string, afterMs?: number) {
    super(message)
    this.afterMs = afterMs
  }
}

export class Fetcher {
  readonly #guard: Guard
  readonly #plain = new PlainAgent({ keepAlive: true })
  readonly #secure = new SecureAgent({ keepAlive: true })

  constructor(guard: Guard) {
    this.#guard = guard
  }

  close(): void {
    this.#plain.destroy()
    this.#secure.destroy()
  }

  /** The file is at `target` when this resolves, and not there when it rejects: with Unfetchable, or
   * with the signal's reason. */
  async fetch(file: ManifestFile, target: string, options: FetchOptions): Promise<Fetched> {
    const { signal, limits } = options
    const late = AbortSignal.timeout(limits.fileMs)
    const either = AbortSignal.any([signal, late])
    for (let tries = 0; ; tries++) {
      try {
        return await this.#once(file, target, { ...options, signal: either })
      } catch (error) {
        await rm(`${target}.part`, { force: true })
        if (signal.aborted) throw signal.reason
        if (late.aborted) throw new Unfetchable(`it took longer than ${limits.fileMs} ms`)
        if (!(error instanceof Passing)) throw error
        if (tries === RETRIES) throw new Unfetchable(`${error.message}, ${tries + 1} times`)
        await pause(error.afterMs ?? backoff(tries), signal)
      }
    }
  }

  async #once(file: ManifestFile, target: string, options: FetchOptions): Promise<Fetched> {
    const answer = await this.#follow(file.url, options)
    try {
      const fetched = await keep(answer, file, `${target}.part`, options)
      await rename(`${target}.part`, target)
      return fetched
    } finally {
      answer.destroy()
    }
  }

  /** The answer 200 at the end of the redirects. */
  async #follow(first: string, options: FetchOptions): Promise<IncomingMessage> {
    let url = new URL(first)
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#ask(url, options)
      const status = answer.statusCode ?? 0
      if (status === 200) return answer
      answer.resume()
      answer.destroy()
      const { location } = answer.headers
      if (!REDIRECTS.has(status) || location === undefined) throw refusal(status, answer)
      if (redirects === REDIRECTS_MAX) {
        throw new Unfetchable(`it is redirected more than ${REDIRECTS_MAX} times`)
      }
      url = redirected(location, url)
    }
  }

  #ask(url: URL, { signal, limits }: FetchOptions): Promise<IncomingMessage> {
    const refused = this.#guard.refuses(url.hostname)
    if (refused !== undefined) return Promise.reject(new Unfetchable(refused))
    const secure = url.protocol === 'https:'
    const open = secure ? secureRequest : plainRequest
    const headers = { 'user-agent': 'kaos', accept: '*/*', 'accept-encoding': 'identity' }
    const agent = secure ? this.#secure : this.#plain
    const lookup = this.#guard.lookupFor(url.hostname)
    return new Promise((resolve, reject) => {
      const asking = open(url, { agent, headers, lookup, signal }, resolve)
      asking.setTimeout(limits.silenceMs, () => asking.destroy(new Passing('nothing comes')))
      asking.once('socket', socket => {
        const check = () => {
          const { remoteAddress: address } = socket
          if (this.#guard.allows(url.hostname, address)) return
          asking.destroy(new Forbidden(url.hostname, address ?? 'no address'))
        }
        if (socket.connecting) socket.once('connect', check)
        else check()
      })
      asking.once('error', error => reject(nameless(error)))
      asking.end()
    })
  }
}

/** Writes the body, and checks it. */
async function keep(
  answer: IncomingMessage,
  file: ManifestFile,
  part: string,
  { limits, signal, count }: FetchOptions,
): Promise<Fetched> {
  const most = Math.min(file.size ?? limits.fileBytes, limits.fileBytes)
  const tooMuch = () =>
    file.size !== undefined && file.size <= limits.fileBytes
      ? new Unfetchable(`it is larger than the ${file.size} bytes that the manifest says`)
      : new Unfetchable(`it is larger than the ${limits.fileBytes} bytes that are allowed`)
  if (Number(answer.headers['content-length'] ?? 0) > most) throw tooMuch()
  const hash = createHash('sha256')
  let size = 0
  const look = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > most) return done(tooMuch())
      hash.update(chunk)
      try {
        count(chunk.length)
      } catch (error) {
        return done(error as Error)
      }
      done(null, chunk)
    },
  })
  try {
    await pipeline(answer, look, createWriteStream(part, { flags: 'w', mode: 0o600 }), { signal })
  } catch (error) {
    // They come once more, or never.
    count(-size)
    throw nameless(error)
  }
  const sha256 = hash.digest('hex')
  if (file.size !== undefined && size !== file.size) {
    throw new Unfetchable(`it has ${size} bytes, where the manifest says ${file.size}`)
  }
  if (file.sha256 !== undefined && sha256 !== file.sha256) {
    throw new Unfetchable(`its SHA-256 is ${sha256}, where the manifest says ${file.sha256}`)
  }
  return { sha256, size }
}

function redirected(location: string, from: URL): URL {
  const url = URL.parse(location, from.href)
  const wrong = url ? wrongUrl(url.href) : 'has no address'
  if (url && wrong === undefined) return url
  throw new Unfetchable(`it is redirected to what ${wrong}`)
}

function refusal(status: number, { headers }: IncomingMessage): Error {
  const said = `the server answers with ${status}`
  if (!AGAIN.has(status)) return new Unfetchable(`${said} where 200 is needed`)
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  return new Passing(said, seconds <= RETRY_AFTER_MAX_S ? seconds * 1000 : undefined)
}

const DISK = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EACCES', 'EROFS', 'ENAMETOOLONG'])
/** Of connections; the rest (a certificate that is wrong, a name that is none) stays as it is. */
const BROKEN =
  /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENETDOWN|EHOSTDOWN|ERR_STREAM_PREMATURE_CLOSE|ERR_STREAM_DESTROYED|HPE_)/

/** What an error means for the file. */
function nameless(error: unknown): unknown {
  if (error instanceof Unfetchable || error instanceof Passing) return error
  if (error instanceof Forbidden) return new Unfetchable(error.message)
  if (!(error instanceof Error) || error.name === 'AbortError') return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const inner = error instanceof AggregateError ? (error.errors[0] as Error) : undefined
  if (inner) return nameless(inner)
  if (DISK.has(code)) return new Unfetchable(`the worker cannot write it (${code})`)
  if (BROKEN.test(code) || message === 'aborted')
    return new Passing(`the connection fails (${code || message})`)
  if (code === 'ENOTFOUND') return new Unfetchable('there is no such host')
  return new Unfetchable(`it cannot be fetched: ${message}`)
}
