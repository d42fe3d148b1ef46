/* Blobs over HTTP: read, in ranges as well, and delete. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { isKaosError, KaosError } from '../../api/errors.ts'
import {
  type BlobRecord,
  blobAt,
  blobKey,
  blobRemoval,
  blobWrites,
  type Found,
} from '../blobs/blobs.ts'
import { recordAt } from '../ledger-reads.ts'
import { rangeOf } from './ranges.ts'
import { blobUnknown } from './refusals.ts'
import { type Call, type Place, type Registry, readingOf } from './room.ts'

/** So often at most is a blob held anew: much less than the grace of a collection. */
const HELD_MS = 5 * 60_000

export async function readBlobCall(
  registry: Registry,
  { request, reply }: Call,
  place: Place,
  digest: string,
): Promise<FastifyReply> {
  const blob = await blobAt(readingOf(registry), place.ws, place.repository, digest)
  // Of what is known to be damaged nobody is told that it need not be sent.
  if (!blob || (request.method === 'HEAD' && !(await blob.isSound()))) throw blobUnknown(digest)
  if (request.method === 'HEAD') await hold(registry, place, digest)
  const { size } = blob
  reply.headers({
    'docker-content-digest': digest,
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  })
  if (request.headers['if-none-match'] === `"${digest}"`) return reply.code(304).send()
  if (request.method === 'HEAD') return reply.header('content-length', size).send()
  const range = rangeOf(request.headers.range, size)
  if (range === null) {
    reply.header('content-range', `bytes */${size}`)
    throw new KaosError('RANGE_INVALID', `the blob has ${size} bytes, none of them in that range`)
  }
  const { start, end } = range ?? { start: 0, end: size }
  const bytes = await begun(blob, digest, start, end)
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`)
  return reply.header('content-length', end - start).send(bytes)
}

export async function deleteBlob(
  { parts: { ledger } }: Registry,
  { request, reply }: Call,
  { ws, repository }: Place,
  digest: string,
): Promise<FastifyReply> {
  if (!(await recordAt(ledger, blobKey(ws, repository, digest)))) throw blobUnknown(digest)
  const { id: actor, organisation } = request.actor
  await ledger.commit({ actor, organisation, records: blobRemoval(ws, repository, digest) })
  return reply.code(202).send()
}

/** Who is told that a blob is here does not send it: it stays for as long as one that was just sent,
 * although no manifest may name it yet. */
async function hold(
  { parts: { ledger, people, now } }: Registry,
  { ws, repository }: Place,
  digest: string,
): Promise<void> {
  const found = await recordAt(ledger, blobKey(ws, repository, digest))
  const record = found?.value as unknown as BlobRecord | undefined
  if (!found || !record) throw blobUnknown(digest)
  if (!('file' in record) || now() - Date.parse(record.at) < HELD_MS) return
  const { id: actor, organisation } = people.system
  const expect = [{ record: found.key, version: found.version }]
  const value = { ...record, at: new Date(now()).toISOString() }
  const records = blobWrites(ws, repository, digest, value)
  await ledger.commit({ actor, organisation, expect, records }).catch(error => {
    // Somebody else held it, or took it away.
    if (!isKaosError(error, 'CONFLICT')) throw error
    throw blobUnknown(digest, error)
  })
}

/** The stream, once its first bytes are there. What is found damaged before is told as missing, so that
 * clients push it again; what is found later cuts the answer. */
async function begun(blob: Found, digest: string, start: number, end: number): Promise<Readable> {
  const all = blob.read(start, end)[Symbol.asyncIterator]()
  const first = await all.next().catch(async error => {
    throw (await isLost(blob, error)) ? blobUnknown(digest, error) : error
  })
  async function* whole() {
    try {
      if (!first.done) yield first.value
      yield* { [Symbol.asyncIterator]: () => all }
    } catch (error) {
      await isLost(blob, error)
      throw error
    } finally {
      await all.return?.()
    }
  }
  return Readable.from(whole(), { objectMode: false })
}

/** Once a part is found damaged, the rest is looked at as well: then one push heals all of it. */
async function isLost(blob: Found, error: unknown): Promise<boolean> {
  const lost = isKaosError(error, 'OBJECT_DAMAGED') || isKaosError(error, 'OBJECT_UNKNOWN')
  if (lost) await blob.examine()
  return lost
}
