/* Back-pressure: whom the server turns away so that the others are served. One caller too fast: 429. The
 * server at a bound of its own (bodies at once, memory, a loop that comes late): 503. Both are decided
 * before the body is read and say when to come back. Workers that report on what runs are never turned
 * away, and whoever looks how the server is neither. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Scope } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { Metrics, Turned } from '../metrics/metrics.ts'
import type { Settings } from '../parts.ts'
import { addressOf } from './address.ts'
import { Pace } from './pace.ts'

const ALWAYS = new Set<Scope | undefined>(['attempt', 'worker', 'metrics'])
const PROBES = new Set(['/healthz', '/readyz'])
const CHANGING = new Set(['POST', 'PUT', 'PATCH'])
const MEMORY_LOOK_MS = 250
/** When to come back to a server that is at a bound, about. */
const RELIEF_S = 5
/** Of the places for bodies, what one caller may hold when they are all taken. */
const SHARE = 0.5

export interface Pressure {
  /** TOO_MANY_REQUESTS when this caller was too fast. `id`: of an actor; else it goes by address. */
  pace(
    request: Pick<FastifyRequest, 'socket' | 'headers'>,
    id: string,
    why: 'rate' | 'logins',
  ): void
}

export function openPressure(settings: Settings, metrics: Metrics): Pressure {
  const { requestsPerSecond } = settings.bounds
  const pace = new Pace(requestsPerSecond)
  return {
    pace(request, id, why) {
      if (requestsPerSecond === 0) return
      const caller = id === '' ? `address ${addressOf(request, settings)}` : id
      const wait = pace.take(caller)
      if (wait === 0) return
      const text = `more than ${requestsPerSecond} calls a second for long; slow down`
      throw turned(metrics, why, 'TOO_MANY_REQUESTS', text, wait)
    },
  }
}

/** After the door, so that it is known who calls. */
export function addPressure(app: FastifyInstance, settings: Settings, metrics: Metrics): void {
  const { bounds } = settings
  const memory = openMemory()
  const bodies = new Map<string, number>()
  let inside = 0

  function requireOwnTime(): void {
    const { mean } = metrics.pulse.lag()
    if (bounds.lagMs === 0 || mean <= bounds.lagMs) return
    throw turned(metrics, 'event_loop', 'UNAVAILABLE', 'the server has too much to do', RELIEF_S)
  }

  function requireMemory(): void {
    if (bounds.memoryBytes === 0 || memory() <= bounds.memoryBytes) return
    const text = 'the server has no memory left for more at once'
    throw turned(metrics, 'memory', 'UNAVAILABLE', text, RELIEF_S)
  }

  /** A place for a body, until its call is over. */
  function enter({ actor }: FastifyRequest, answer: { once(e: 'close', f: () => void): unknown }) {
    const own = bodies.get(actor.id) ?? 0
    if (bounds.uploads > 0 && inside >= bounds.uploads) {
      const many = own > bounds.uploads * SHARE
      const code = many ? 'TOO_MANY_REQUESTS' : 'UNAVAILABLE'
      const text = `the server takes ${bounds.uploads} bodies at once, and has them`
      throw turned(metrics, 'uploads', code, text, RELIEF_S)
    }
    inside++
    bodies.set(actor.id, own + 1)
    answer.once('close', () => {
      inside--
      const left = (bodies.get(actor.id) ?? 1) - 1
      if (left > 0) bodies.set(actor.id, left)
      else bodies.delete(actor.id)
    })
  }

  app.addHook('onRequest', async (request, reply) => {
    const { config, url = '' } = request.routeOptions
    if (ALWAYS.has(config.scope) || PROBES.has(url)) return
    requireOwnTime()
    if (CHANGING.has(request.method)) requireMemory()
    if (config.stream && CHANGING.has(request.method)) enter(request, reply.raw)
  })
}

function turned(
  metrics: Metrics,
  why: Turned,
  code: 'TOO_MANY_REQUESTS' | 'UNAVAILABLE',
  what: string,
  seconds: number,
): KaosError {
  metrics.turnedAway(why)
  const retryAfter = Math.max(1, Math.ceil(seconds))
  const message = `${what}; try again in ${retryAfter} s`
  return new KaosError(code, message, { detail: { retryAfter } })
}

/** Heap and buffers, looked up now and then. What the process keeps of its machine beyond that it may
 * never give back, so that is no measure of what it could take on. */
function openMemory(): () => number {
  let at = Number.NEGATIVE_INFINITY
  let bytes = 0
  return () => {
    const now = performance.now()
    if (now - at > MEMORY_LOOK_MS) {
      const { heapUsed, external } = process.memoryUsage()
      bytes = heapUsed + external
      at = now
    }
    return bytes
  }
}
