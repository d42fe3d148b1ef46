/* Bodies of the transfer protocol, bounded: their length and their silence have limits. */
import { Readable } from 'node:stream'
import { type Digest, digestFromRaw } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { parseFrames } from '../../api/transfer/frames.ts'
import { BATCH_MAX, HAVE_MAX, OBJECTS_MAX } from '../../api/transfer/protocol.ts'

export const SILENCE_MS = 30_000
/** In so long at least so many bytes come, or the body is cut: one that only drips would hold its place
 * for hours. */
const WINDOW_MS = 30_000
export const WINDOW_BYTES = 16 * 1024

/** The objects of a body of frames, in order, one held at a time. */
export async function* objectsIn(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let objects = 0
  for await (const object of parseFrames(bounded(body, BATCH_MAX))) {
    // Each is remembered by its digest: a body of nothing but empty ones would be millions.
    if (++objects > OBJECTS_MAX) {
      throw new KaosError('TOO_LARGE', `a body has at most ${OBJECTS_MAX} objects here`)
    }
    yield object
  }
}

/** The digests that a `have` body asks for. */
export async function digestsIn(
  body: AsyncIterable<Uint8Array>,
  most: number = HAVE_MAX,
): Promise<Digest[]> {
  const all = Buffer.concat(await Array.fromAsync(bounded(body, most * 32)))
  if (all.length % 32 !== 0) throw new KaosError('BAD_REQUEST', 'digests are 32 bytes each')
  const count = all.length / 32
  return Array.from({ length: count }, (_, i) => digestFromRaw(all.subarray(i * 32, i * 32 + 32)))
}

/** What a body says that it is long; undefined when it does not. */
export function lengthOf(headers: { 'content-length'?: string | undefined }): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** The body; fails when it is too long, when nothing comes for half a minute, and when too little does.
 * Leaves the connection as it is, so that the client can be told why. */
export async function* bounded(
  body: AsyncIterable<Uint8Array>,
  most: number,
  windowMs: number = WINDOW_MS,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = piecesOf(body)[Symbol.asyncIterator]()
  let [waited, came] = [0, 0]
  for (let total = 0; ; ) {
    const asked = performance.now()
    const next = await withinSilence(pieces.next())
    if (next.done) return
    total += next.value.length
    if (total > most) throw new KaosError('TOO_LARGE', `a body has at most ${most} bytes here`)
    // What is done with the bytes between is not the sender's time.
    waited += performance.now() - asked
    came += next.value.length
    if (waited > windowMs && came < WINDOW_BYTES) {
      throw tooSlow()
    }
    if (waited > windowMs) [waited, came] = [0, 0]
    yield next.value
  }
}

/** Whoever stops reading leaves the connection as it is. */
export function piecesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return body instanceof Readable ? body.iterator({ destroyOnReturn: false }) : body
}

async function withinSilence<T>(next: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(stopped())
    }, SILENCE_MS)
    timer.unref()
  })
  try {
    return await Promise.race([next, silence])
  } finally {
    clearTimeout(timer)
  }
}

export function tooSlow(): KaosError {
  return new KaosError('REQUEST_TIMEOUT', 'the body comes too slowly; send it again')
}

export function stopped(): KaosError {
  return new KaosError('REQUEST_TIMEOUT', 'the body stopped coming; send it again')
}
