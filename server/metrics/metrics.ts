/* Everything that /metrics tells, in one place; docs/metrics.md has the same table. Rooms tell what
 * happens (the methods below), and what stands somewhere is looked up when somebody asks (`sources`). */
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { Counter, type Family, Gauge, Histogram } from './families.ts'
import { ledgerFamilies } from './ledger.ts'
import { processFamilies } from './process.ts'
import { openPulse, type Pulse } from './pulse.ts'
import { type QueueSource, queueFamilies } from './queue.ts'
import { storeFamilies } from './store.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Why a call was turned away before its body was read. */
export type Turned = 'rate' | 'logins' | 'uploads' | 'event_loop' | 'memory' | 'slow_reader'

/** What the rooms tell as it happens. */
export interface Counted {
  attemptEnded(kind: string, outcome: string): void
  leaseLost(kind: string): void
}

export interface Answered {
  readonly method: string
  /** As it is declared, with its parameters' names. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

/** What is looked up when somebody asks. */
export interface Sources {
  readonly ledger?: Pick<Ledger, 'head'>
  readonly store?: Pick<Store, 'stats' | 'damaged'>
  readonly queue?: QueueSource
}

export interface Metrics extends Counted {
  readonly pulse: Pulse
  /** For whoever opens the ledger. */
  readonly ledger: ReturnType<typeof ledgerFamilies>['observed']
  httpBegan(upload: boolean): void
  httpEnded(answered: Answered, upload: boolean): void
  endpointAnswered(endpoint: string, status: number, seconds: number): void
  turnedAway(why: Turned): void
  /** A challenge without credentials, or a denial of a known caller. */
  denied(code: string): void
  from(sources: Sources): void
  /** All families, looked up now. Who asks meanwhile gets the same. */
  collect(): Promise<readonly Family[]>
  close(): void
}

export function openMetrics(): Metrics {
  const pulse = openPulse()
  const http = httpFamilies()
  const attempts = attemptFamilies()
  const ledger = ledgerFamilies()
  const store = storeFamilies()
  const queue = queueFamilies()
  const own = processFamilies(pulse)
  const families = [http, attempts, ledger, store, queue, own].flatMap(one => one.families)
  let sources: Sources = {}
  let collecting: Promise<readonly Family[]> | undefined

  async function look(): Promise<readonly Family[]> {
    attempts.workers.set(sources.queue?.workers() ?? 0)
    await Promise.all([
      own.look(),
      ledger.look(sources.ledger),
      store.look(sources.store),
      queue.look(sources.queue),
    ])
    return families
  }

  return {
    pulse,
    ledger: ledger.observed,
    attemptEnded: (kind, outcome) => attempts.ended.add([kind, outcome]),
    leaseLost: kind => attempts.leases.add([kind]),
    httpBegan(upload) {
      http.inFlight.add(1)
      if (upload) http.uploads.add(1)
    },
    httpEnded({ method, route, status, seconds }, upload) {
      http.inFlight.add(-1)
      if (upload) http.uploads.add(-1)
      http.requests.add([method, route, String(status)])
      http.duration.observe(seconds, [method, route])
    },
    endpointAnswered(endpoint, status, seconds) {
      http.gateway.add([endpoint, String(status)])
      http.gatewayDuration.observe(seconds, [endpoint])
    },
    turnedAway: why => http.turned.add([why]),
    denied: code => http.denials.add([code]),
    from(more) {
      sources = { ...sources, ...more }
    },
    collect() {
      collecting ??= look().finally(() => {
        collecting = undefined
      })
      return collecting
    },
    close: () => pulse.close(),
  }
}

function httpFamilies() {
  const families = {
    requests: new Counter({
      name: 'kaos_http_requests',
      help: 'Calls of the API that were answered; 499: the caller went away first',
      labels: ['method', 'route', 'status'],
    }),
    duration: new Histogram({
      name: 'kaos_http_request_duration_seconds',
      help: 'From the headers of a call to the end of its answer',
      labels: ['method', 'route'],
      bounds: SECONDS,
    }),
    inFlight: new Gauge({ name: 'kaos_http_requests_in_flight', help: 'Calls under way' }),
    uploads: new Gauge({
      name: 'kaos_uploads_in_flight',
      help: 'Calls under way whose body is a stream of bytes',
    }),
    turned: new Counter({
      name: 'kaos_http_turned_away',
      help: 'Calls refused by a bound (429, 503), and answers cut since nobody took them',
      labels: ['reason'],
    }),
    denials: new Counter({
      name: 'kaos_http_denials',
      help: 'Calls that were not permitted, by error code',
      labels: ['code'],
    }),
    gateway: new Counter({
      name: 'kaos_endpoint_requests',
      help: 'Calls of endpoints that were answered',
      labels: ['endpoint', 'status'],
    }),
    gatewayDuration: new Histogram({
      name: 'kaos_endpoint_request_duration_seconds',
      help: 'From the headers of a call of an endpoint to the end of its answer',
      labels: ['endpoint'],
      bounds: SECONDS,
    }),
  }
  return { families: Object.values(families), ...families }
}

function attemptFamilies() {
  const families = {
    ended: new Counter({
      name: 'kaos_attempts',
      help: 'Attempts that ended, by how: succeeded, failed, stopped, lost',
      labels: ['kind', 'outcome'],
    }),
    leases: new Counter({
      name: 'kaos_leases_lost',
      help: 'Attempts given up since their worker was not heard of any more',
      labels: ['kind'],
    }),
    workers: new Gauge({
      name: 'kaos_workers',
      help: 'Workers that hold work or were heard of lately',
    }),
  }
  return { families: Object.values(families), ...families }
}
