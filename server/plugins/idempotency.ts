/* Idempotency-Key: the first answer to a change is kept for a day, and the same call with the same
 * key gets it again instead of a second effect. Kept as a record, per actor; of the key only its
 * hash. Streams need no key: a digest names its own effect. */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'

const KEPT_MS = 24 * 3600_000
const FORM = /^[\x21-\x7e]{1,200}$/
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** Answers that another try could better. */
const NOT_FINAL = new Set([401, 403, 408, 426, 429])

interface Kept {
  /** Of method, address and body. */
  call: string
  status: number
  type: string | null
  location: string | null
  /** null: it held a secret. */
  body: string | null
}

interface Call {
  readonly key: string
  readonly call: string
  readonly once: string
}

interface Options {
  readonly ledger: Ledger
  readonly now: () => number
}

export function addIdempotency(app: FastifyInstance, { ledger, now }: Options): void {
  const running = new Set<string>()
  /** Keys that a request holds, and calls whose answer is to be kept. */
  const held = new WeakMap<FastifyRequest, string>()
  const calls = new WeakMap<FastifyRequest, Call>()

  app.decorateRequest('once')
  app.addHook('preHandler', async (request, reply) => {
    const call = callOf(request)
    if (!call) return undefined
    if (running.has(call.key)) {
      const message = 'the first call with this key is still running; ask again in a moment'
      throw new KaosError('IDEMPOTENCY_IN_PROGRESS', message)
    }
    running.add(call.key)
    held.set(request, call.key)
    calls.set(request, call)
    request.once = call.once
    const kept = (await recordAt(ledger, call.key))?.value as unknown as Kept | undefined
    if (!kept) return undefined
    calls.delete(request)
    return replay(kept, call, reply)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const call = calls.get(request)
    const status = reply.statusCode
    const isText = payload === undefined || payload === null || typeof payload === 'string'
    if (!call || status >= 500 || NOT_FINAL.has(status) || !isText) return payload
    const secret = request.routeOptions.config.secret === true && status < 400
    const value: Kept = {
      call: call.call,
      status,
      type: headerOf(reply, 'content-type'),
      location: headerOf(reply, 'location'),
      body: secret ? null : String(payload ?? ''),
    }
    const { id: actor, organisation } = request.actor
    const records = [{ key: call.key, value: { ...value }, expires: now() + KEPT_MS }]
    await ledger.commit({ actor, organisation, records }).catch(err => {
      // The change is made: the caller must learn of it, even if a repetition will not.
      request.log.error({ err }, 'an answer could not be kept for its Idempotency-Key')
    })
    return payload
  })

  // Also when the connection broke.
  const release = async (request: FastifyRequest) => {
    const key = held.get(request)
    if (key !== undefined) running.delete(key)
  }
  app.addHook('onResponse', release)
}

/** The key of a call, if it has one that counts. */
function callOf(request: FastifyRequest): Call | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined || !CHANGING.has(request.method)) return undefined
  if (request.routeOptions.config.stream === true || !request.actor.id) return undefined
  if (typeof key !== 'string' || !FORM.test(key)) {
    const form = '1 to 200 visible ASCII characters'
    throw new KaosError('BAD_REQUEST', `an Idempotency-Key has ${form}, a UUID for instance`)
  }
  const body = JSON.stringify(request.body ?? null)
  const call = hash(`${request.method} ${request.url}\n${body}`)
  const name = `${request.actor.id}/${hash(key)}`
  return { key: `idempotency/${name}`, once: `once/${name}`, call }
}

function replay(kept: Kept, { call }: Call, reply: FastifyReply) {
  if (kept.call !== call) {
    const message = 'this Idempotency-Key was used for another call; take a new one'
    throw new KaosError('IDEMPOTENCY_KEY_REUSED', message)
  }
  if (kept.body === null) {
    const message =
      'this call was answered, and its secret is not kept; take a new key to repeat it'
    throw new KaosError('CONFLICT', message)
  }
  if (kept.type !== null) reply.type(kept.type)
  if (kept.location !== null) reply.header('location', kept.location)
  reply.code(kept.status).header('idempotency-replayed', 'true')
  // A string goes out as it is.
  return reply.serializer(String).send(kept.body)
}

function headerOf(reply: FastifyReply, name: string): string | null {
  const value = reply.getHeader(name)
  return value === undefined ? null : String(value)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
