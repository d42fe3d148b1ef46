/* Wake-ups. They carry nothing: who wakes reads the records again. */
import type { Messenger } from './neighbours.ts'

export interface Changes {
  /** Resolves at the next wake of one of the topics, after `ms`, or when the signal aborts; never
   * rejects. Ask for it before reading, so that no change falls in between. */
  next(topics: readonly string[], options?: { ms?: number; signal?: AbortSignal }): Promise<void>
  /** On this server and on all others. */
  wake(...topics: string[]): void
  /** On this server alone. */
  wakeHere(...topics: string[]): void
  /** Told of what others wake here, before who waits for it. */
  listen(heard: (topics: readonly string[]) => void): void
  /** Wakes all. From then on nobody should wait any more. */
  close(): void
  readonly closed: boolean
}

export const READY = 'ready'
export const jobTopic = (job: string): string => `job/${job}`
export const attemptTopic = (attempt: string): string => `attempt/${attempt}`
export const endpointTopic = (name: string): string => `endpoint/${name}`

export function openChanges(messenger?: Messenger): Changes {
  const waiting = new Map<string, Set<() => void>>()
  let closed = false

  function next(
    topics: readonly string[],
    { ms, signal }: { ms?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    if (closed || signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const timer = ms === undefined ? undefined : setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        for (const topic of topics) {
          const others = waiting.get(topic)
          others?.delete(done)
          if (others?.size === 0) waiting.delete(topic)
        }
        resolve()
      }
      signal?.addEventListener('abort', done, { once: true })
      for (const topic of topics) {
        const others = waiting.get(topic) ?? new Set()
        waiting.set(topic, others.add(done))
      }
    })
  }

  const listeners: ((topics: readonly string[]) => void)[] = []
  messenger?.listen(topics => {
    for (const heard of listeners) heard(topics)
    wakeHere(...topics)
  })

  function wake(...topics: string[]): void {
    wakeHere(...topics)
    messenger?.tell(topics)
  }

  function wakeHere(...topics: string[]): void {
    for (const topic of topics) for (const done of [...(waiting.get(topic) ?? [])]) done()
  }

  function close(): void {
    closed = true
    wakeHere(...waiting.keys())
  }

  return {
    next,
    wake,
    wakeHere,
    listen: heard => void listeners.push(heard),
    close,
    get closed() {
      return closed
    },
  }
}
