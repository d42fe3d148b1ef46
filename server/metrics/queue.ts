/* The queue: what is ready, what runs, what waits for other work. Counted from memory, but for what
 * waits: that is read from the records, so it is remembered for a while. */
import { Gauge } from './families.ts'
import { inTime } from './in-time.ts'

const WAITING_MS = 15_000

export interface QueueSource {
  /** Work that anybody may claim; since when, ms since 1970. */
  ready(): Iterable<{ readonly kind: string; readonly since: number }>
  live(): readonly { readonly kind: string }[]
  /** How many are there. */
  workers(): number
  /** Trials that wait for an image, for data, or for others of their job. */
  waiting(): Promise<number>
  readonly now: () => number
}

const KINDS = ['build', 'ingest', 'trial', 'service'] as const

export function queueFamilies() {
  const of = (name: string, help: string) => new Gauge({ name, help, labels: ['kind'] })
  const ready = of('kaos_queue_ready', 'Work that waits for a worker')
  const running = of('kaos_queue_running', 'Work that a worker holds')
  const waiting = of(
    'kaos_queue_waiting',
    'Trials that wait for an image, data or other trials, of 2,000 jobs at most',
  )
  const oldest = of('kaos_queue_oldest_ready_age_seconds', 'Age of the oldest work that is ready')
  let asked = Number.NEGATIVE_INFINITY

  function fill({ ready: all, live, now }: QueueSource): void {
    const ages = new Map<string, number>()
    const counts = new Map<string, number>()
    for (const { kind, since } of all()) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      ages.set(kind, Math.max(ages.get(kind) ?? 0, (now() - since) / 1000))
    }
    const kinds = live().map(({ kind }) => kind)
    for (const kind of KINDS) {
      ready.set(counts.get(kind) ?? 0, [kind])
      oldest.set(ages.get(kind) ?? 0, [kind])
      running.set(kinds.filter(one => one === kind).length, [kind])
    }
  }

  return {
    families: [ready, running, waiting, oldest],
    async look(source: QueueSource | undefined): Promise<void> {
      if (!source) return
      fill(source)
      if (performance.now() - asked < WAITING_MS) return
      asked = performance.now()
      waiting.set((await inTime(() => source.waiting())) ?? Number.NaN, ['trial'])
    },
  }
}
