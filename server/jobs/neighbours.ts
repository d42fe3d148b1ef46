/* Other servers over the same ledger. What this one has in memory of records it reads again when it is
 * told that they changed, and now and then without being told: a message may be lost, and no message
 * has to come at all. */
import type { Board } from './board.ts'
import { attemptTopic, endpointTopic, READY } from './changes.ts'
import { recordsOf } from './reading.ts'
import type { EndpointRecord } from './records.ts'

/** Tells other servers that something changed, and hears it from them. May lose messages. */
export interface Messenger {
  /** Never throws: what cannot be told now is found without it, a little later. */
  tell(topics: readonly string[]): void
  /** The same when so many ms have passed, also if this server is gone by then. */
  tellLater(topics: readonly string[], ms: number): void
  listen(heard: (topics: readonly string[]) => void): void
  /** Why nothing can be told or heard at the moment. */
  trouble(): string | undefined
  close(): Promise<void>
}

/** How long a change made elsewhere stays unseen at most, when no message comes. */
const EVERY_MS = 1000

export function openNeighbours(board: Board) {
  const { log } = board.parts
  let closed = false
  let running: Promise<void> | undefined
  let again = false
  let failing = false

  async function readAll(): Promise<void> {
    try {
      const ended = await board.live.refresh()
      const more = await board.ready.refresh()
      await board.queue.rules.refresh()
      await board.workers.refresh()
      const moved = await readEndpoints(board)
      const topics = [...ended.map(attemptTopic), ...moved.map(endpointTopic)]
      // What has ended makes room for others.
      board.changes.wakeHere(...topics, ...(more || ended.length > 0 ? [READY] : []))
      if (failing) log('info', 'the records of other servers can be read again')
      failing = false
    } catch (error) {
      if (!failing) log('error', `cannot read what other servers do: ${(error as Error).message}`)
      failing = true
    }
  }

  /** One reading at a time; asked for during one, another follows it. */
  function look(): Promise<void> {
    again = running !== undefined
    running ??= (async () => {
      do {
        again = false
        await readAll()
      } while (again && !closed)
      running = undefined
    })()
    return running
  }

  const timer = setInterval(look, EVERY_MS)
  timer.unref()
  board.changes.listen(topics => {
    // Of jobs nothing is in memory.
    if (topics.some(topic => topic === READY || topic.startsWith('endpoint/'))) void look()
  })

  return {
    async close(): Promise<void> {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

/** The names of those that are others now. */
async function readEndpoints({ parts: { ledger }, endpoints }: Board): Promise<string[]> {
  const before = new Map(endpoints)
  const moved: string[] = []
  const there = new Set<string>()
  for await (const { value } of recordsOf<EndpointRecord>(ledger, 'endpoint/')) {
    there.add(value.name)
    if (JSON.stringify(before.get(value.name)) === JSON.stringify(value)) continue
    endpoints.set(value.name, value)
    moved.push(value.name)
  }
  for (const name of before.keys()) {
    if (there.has(name)) continue
    endpoints.delete(name)
    moved.push(name)
  }
  return moved
}
