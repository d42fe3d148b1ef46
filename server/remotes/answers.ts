/* Answering with the bytes of an object: whole, a range of them (RFC 9110, one range), or nothing if
 * the caller has them. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import type { Blob } from '../blobs/blobs.ts'
import { rangeOf } from '../registry/ranges.ts'
import { bounded } from '../transfer/bodies.ts'
import type { Body } from './arrivals.ts'

/** Sends the blob, or to HEAD its headers. */
export async function sendBlob(
  request: FastifyRequest,
  reply: FastifyReply,
  blob: Blob,
  tag: string,
): Promise<FastifyReply> {
  const { headers, method } = request
  const etag = `"${tag}"`
  reply.headers({ 'accept-ranges': 'bytes', etag, 'content-type': 'application/octet-stream' })
  if (headers['if-none-match'] === etag) return reply.code(304).send()
  const range = rangeOf(headers.range, blob.size)
  if (range === null) {
    reply.header('content-range', `bytes */${blob.size}`)
    return reply.code(416).removeHeader('content-type').send()
  }
  const { start, end } = range ?? { start: 0, end: blob.size }
  reply.header('content-length', end - start)
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${blob.size}`)
  if (method === 'HEAD' || start === end) return reply.send()
  return reply.send(await begun(blob.read(start, end)))
}

/** The stream, once its first bytes are there: what fails before can still be told as an error. */
async function begun(bytes: AsyncIterable<Uint8Array>): Promise<Readable> {
  const all = bytes[Symbol.asyncIterator]()
  const first = await all.next()
  async function* whole() {
    if (first.done) return
    yield first.value
    yield* { [Symbol.asyncIterator]: () => all }
  }
  return Readable.from(whole(), { objectMode: false })
}

/** An object's bytes as they come, however many. */
export function arriving(request: FastifyRequest): Body {
  const source = bounded(bodyOf(request), Number.POSITIVE_INFINITY)
  return { source, length: Number(request.headers['content-length'] ?? 0) }
}

/** The body of a request, of whatever type. */
export function bodyOf({ body }: FastifyRequest): AsyncIterable<Uint8Array> {
  if (body === undefined || body === null) return Readable.from([])
  if (body instanceof Readable) return body
  throw new KaosError('BAD_REQUEST', 'send the bytes as they are')
}
