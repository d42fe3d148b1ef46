/* Bodies. JSON: 1 MiB, 64 levels, no prototype keys, 30 seconds to arrive. Everything that may be
 * large is a stream that the handler reads and bounds. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'

export const JSON_MAX = 1024 * 1024
const DEPTH_MAX = 64

/** `jsonMs`: in which JSON arrives. */
export function addBodies(app: FastifyInstance, jsonMs: number): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    const body = String(text)
    if (body === '') return done(null, undefined)
    if (depthOf(body) > DEPTH_MAX) {
      return done(new KaosError('JSON_TOO_DEEP', `JSON may be nested ${DEPTH_MAX} levels deep`))
    }
    return parse(request, body, done)
  })
  for (const type of [FRAMES_TYPE, 'application/octet-stream', 'text/plain']) {
    app.addContentTypeParser(type, (request, payload, done) => {
      if (request.routeOptions.config.stream) return done(null, payload)
      return done(notJson())
    })
  }
  app.addContentTypeParser('*', (_request, _payload, done) => done(notJson()))

  app.addHook('preParsing', async (request, _reply, payload) => {
    if (!request.routeOptions.config.stream) limitTime(request, jsonMs)
    return payload
  })
}

function notJson(): KaosError {
  return new KaosError('BAD_REQUEST', 'send the body as application/json')
}

/** A body that drips is cut, and its sender told why; streams have their own bound on silence. */
function limitTime(request: FastifyRequest, ms: number): void {
  const { raw } = request
  if (raw.complete) return
  const timer = setTimeout(() => {
    const late = new KaosError('REQUEST_TIMEOUT', 'the body came too slowly; send it again')
    // Who reads the body gets it as an error of the stream, which stays open for the answer.
    if (raw.listenerCount('error') > 0) raw.emit('error', late)
    else raw.destroy()
  }, ms)
  timer.unref()
  raw.once('close', () => clearTimeout(timer))
  raw.once('end', () => clearTimeout(timer))
}

/** Levels of nesting, told without building anything. Brackets inside strings do not count. */
export function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x22) at = endOfString(text, at)
    else if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (char === 0x5d || char === 0x7d) depth--
  }
  return deepest
}

/** Place of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x5c) at++
    else if (char === 0x22) return at
  }
  return text.length
}
