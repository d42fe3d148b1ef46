/** Answers that are streams, and requests that may break off while they are waited on. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { KaosError } from '../../api/errors.ts'

/** Aborts when the caller is gone, or has been answered. */
export function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

/** Sends the bytes once the first are there: what fails before can still be told as an error. */
export async function sendBytes(
  reply: FastifyReply,
  type: string,
  bytes: AsyncIterable<Uint8Array>,
  begun: 'with the first bytes' | 'at once' = 'with the first bytes',
): Promise<FastifyReply> {
  reply.type(type)
  const all = bytes[Symbol.asyncIterator]()
  const first = begun === 'at once' ? undefined : await all.next()
  async function* whole(): AsyncGenerator<Uint8Array> {
    if (first?.done) return
    if (first) yield first.value
    yield* { [Symbol.asyncIterator]: () => all }
  }
  // Whoever follows learns at once that there is something to follow.
  reply.raw.once('pipe', () => reply.raw.flushHeaders())
  return reply.send(Readable.from(whole(), { objectMode: false }))
}

/** A body that is read as it comes. */
export function bodyOf(body: unknown): AsyncIterable<Uint8Array> {
  if (body === undefined || body === null) return Readable.from([])
  if (body instanceof Readable) return body
  throw new KaosError('BAD_REQUEST', 'send the body as application/octet-stream')
}
