/* One HTTP exchange. node:http and not fetch: bodies are sent from where they lie and read as they
 * come, which costs a fifth of what fetch takes for the same bytes, and a command starts sooner. */
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'

export interface Answer {
  readonly status: number
  readonly ok: boolean
  header(name: string): string | undefined
  /** All of the body; fails when it breaks off. */
  bytes(): Promise<Buffer>
  /** The body as it comes. */
  stream(): AsyncIterable<Uint8Array>
  /** The body is not wanted. */
  discard(): void
}

interface Exchange {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

/** Of silence, on a connection that should bring something. */
const SILENCE_MS = 300_000

const plain = new PlainAgent({ keepAlive: true })
const secure = new SecureAgent({ keepAlive: true })

export function exchange(url: URL, { method, headers, body }: Exchange): Promise<Answer> {
  const https = url.protocol === 'https:'
  const options = {
    method,
    headers: { ...headers, ...lengthOf(body) },
    agent: https ? secure : plain,
  }
  return new Promise((resolve, reject) => {
    const opened = (message: IncomingMessage) => resolve(answerOf(message))
    const sending = https ? secureRequest(url, options, opened) : plainRequest(url, options, opened)
    sending.setTimeout(SILENCE_MS, () => sending.destroy(new Error('nothing came for long')))
    // An answer may come before all was sent, and end the connection.
    sending.on('error', reject)
    sending.end(body)
  })
}

function answerOf(message: IncomingMessage): Answer {
  const status = message.statusCode ?? 0
  return {
    status,
    ok: status >= 200 && status < 300,
    header(name) {
      const value = message.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    bytes: async () => Buffer.concat(await Array.fromAsync(message)),
    stream: () => message,
    discard: () => message.resume(),
  }
}

function lengthOf(body: Exchange['body']): Record<string, number> {
  return body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
}
