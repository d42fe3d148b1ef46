/* Messages between servers through Redis. Bull carries the wake-ups of the queue, now or later, so that
 * one that was asked for is delivered although the server that asked for it is gone; all else that
 * changed goes over a channel. Nothing here is the only copy of anything: the ledger has the ready set,
 * and every server reads it again now and then. So Redis may lose all it has at any time. */
import { setTimeout as sleep } from 'node:timers/promises'
import Bull from 'bull'
import { Redis } from 'ioredis'
import { newId } from '../../api/ids.ts'
import { READY } from '../jobs/changes.ts'
import type { Messenger } from '../jobs/neighbours.ts'

interface Options {
  readonly url: string
  /** Of the ledger: installations may share a Redis. */
  readonly name: string
  readonly log: (level: 'info' | 'warn', message: string) => void
}

interface Message {
  readonly from: string
  readonly topics: readonly string[]
}

/** A wake-up that fails is found again by reading; no point in trying for long. */
const TRIES = 3
const RECONNECT_MAX_MS = 2000
/** A Redis that is there and silent is as good as away: it is asked so often, and given so long. */
const PING_MS = 2000
const PONG_MS = 8000
/** So long Redis may take to hear that we go. */
const CLOSE_MS = 2000

export function openRedisMessenger({ url, name, log }: Options): Messenger {
  const own = newId(Date.now())
  const channel = `kaos:${name}:changes`
  const listeners: ((topics: readonly string[]) => void)[] = []
  let trouble: string | undefined = 'it was not reached yet'
  let closing = false

  const connections: Redis[] = []

  const connect = () => {
    const client = new Redis(url, {
      // Asked by Bull of its connections. Who waits for Redis waits for nothing else.
      maxRetriesPerRequest: null,
      enableReadyCheck: false,
      retryStrategy: times => Math.min(100 * times, RECONNECT_MAX_MS),
    })
    client.on('error', error => lost(error.message || error.name))
    client.on('close', () => lost('the connection was closed'))
    // It takes connections before it answers, and while it stands still.
    client.on('ready', () => void ping(client))
    connections.push(client)
    return client
  }

  function lost(why: string): void {
    if (trouble === undefined && !closing) log('warn', `Redis cannot be reached: ${why}`)
    trouble = why
  }

  function found(): void {
    if (trouble !== undefined) log('info', 'Redis is reached')
    trouble = undefined
  }

  const asked = new Set<Redis>()

  /** A line that was cut off far away says nothing about it: it is made anew. */
  async function ping(line: Redis): Promise<void> {
    if (line.status !== 'ready' || asked.has(line)) return
    asked.add(line)
    const late = sleep(PONG_MS, 'late', { ref: false })
    const pong = await Promise.race([line.ping().catch(() => 'lost'), late])
    asked.delete(line)
    if (pong === 'PONG') found()
    if (pong !== 'late' || closing) return
    lost(`no answer came within ${PONG_MS / 1000} s`)
    line.disconnect(true)
  }

  const client = connect()
  const hearing = connect()
  const pinging = setInterval(() => {
    for (const line of [client, hearing]) void ping(line)
  }, PING_MS).unref()
  const subscriber = connect()
  const queue = new Bull<Message>('wake', {
    prefix: `kaos:${name}`,
    createClient: type =>
      type === 'client' ? client : type === 'subscriber' ? subscriber : connect(),
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: TRIES },
  })
  queue.on('error', error => lost(error.message))
  void queue
    .process(async ({ data: { topics } }) => publish({ from: '', topics }))
    .catch(error => lost((error as Error).message))
  hearing.subscribe(channel).catch(error => lost((error as Error).message))
  hearing.on('message', (_, text) => {
    const { from, topics } = JSON.parse(text) as Message
    if (from !== own) for (const heard of listeners) heard(topics)
  })

  async function publish(message: Message): Promise<void> {
    await client.publish(channel, JSON.stringify(message))
  }

  function add(topics: readonly string[], delay: number): void {
    if (trouble !== undefined) return
    queue.add({ from: own, topics }, { delay }).catch(error => lost((error as Error).message))
  }

  return {
    tell(topics) {
      if (trouble !== undefined) return
      if (topics.includes(READY)) add([READY], 0)
      const others = topics.filter(topic => topic !== READY)
      if (others.length === 0) return
      publish({ from: own, topics: others }).catch(error => lost((error as Error).message))
    },
    tellLater: add,
    listen: heard => void listeners.push(heard),
    trouble: () => trouble,
    async close() {
      closing = true
      clearInterval(pinging)
      // Bull waits for a Redis that is away, whatever it is told.
      const closed = queue.close(true).catch(() => undefined)
      await Promise.race([closed, sleep(CLOSE_MS)])
      for (const one of connections) one.disconnect()
    },
  }
}
