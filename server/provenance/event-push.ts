/* Run events on their way to an OpenLineage server. The ledger's log is the outbox: a record says up to
 * which statement everything was sent, and only what was taken moves it on. So no job waits for it, a
 * crash loses nothing, and what is sent twice after one changes nothing there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isKaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Payload } from '../../graph/payload.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'
import { endEvent } from './run-events.ts'

export interface EventPush {
  /** Ends what is being sent; the rest is sent after the next start. */
  close(): Promise<void>
}

export interface Target {
  readonly url: string
  readonly apiKey: string | undefined
}

interface Options extends Pick<Parts, 'ledger' | 'people' | 'log'> {
  readonly target: Target
  /** Between looks at the log, and after the first failure; ms. */
  readonly pollMs?: number
}

const SENT = 'openlineage/sent'
const PAGE = 100
const POLL_MS = 1000
const WAIT_MAX_MS = 5 * 60_000
const ANSWER_WITHIN_MS = 5000
const OUTCOME = /^job\/([0-9a-f]{32})\/outcome$/

export function openEventPush(options: Options): EventPush {
  const over = new AbortController()
  const running = forever(options, over.signal)
  return {
    async close() {
      over.abort()
      await running
    },
  }
}

async function forever(options: Options, signal: AbortSignal): Promise<void> {
  const { log, pollMs = POLL_MS } = options
  for (let failures = 0; !signal.aborted; ) {
    try {
      const more = await sendPage(options, signal)
      failures = 0
      if (!more) await pause(pollMs, signal)
    } catch (error) {
      if (signal.aborted) return
      // Once for each outage: who reads the log wants to know that it began.
      const { message } = error as Error
      if (failures === 0)
        log('warn', `lineage events wait: ${message}`, { url: options.target.url })
      await pause(Math.min(WAIT_MAX_MS, pollMs * 2 ** failures++), signal)
    }
  }
}

/** Whether there may be more at once. */
async function sendPage(options: Options, signal: AbortSignal): Promise<boolean> {
  const { ledger } = options
  const { next, version } = await placeOf(ledger)
  if (version === 0) {
    await move(options, next, version)
    return false
  }
  const page = await ledger.log(next, PAGE)
  let [sent, at] = [next, version]
  for (const { seq, payload } of page) {
    const statement = payload === null ? undefined : (JSON.parse(payload) as Payload)
    const activities = statement ? endedIn(statement) : []
    for (const id of activities) await sendEnd(options, id, signal)
    sent = seq + 1
    if (activities.length > 0) at = await move(options, sent, at)
  }
  if (sent > next) await move(options, sent, at)
  return page.length === PAGE
}

/** The first time, what was there before is not sent. */
async function placeOf(ledger: Ledger): Promise<{ next: number; version: number }> {
  const record = await recordAt(ledger, SENT)
  if (record) return { next: Number(record.value), version: record.version }
  return { next: (await ledger.head()).size, version: 0 }
}

/** With another server at the same work one of the two is first; the other reads where it stands. */
async function move({ ledger, people }: Options, next: number, version: number): Promise<number> {
  const { id: actor, organisation } = people.system
  try {
    const { versions } = await ledger.commit({
      actor,
      organisation,
      expect: [{ record: SENT, version }],
      records: [{ key: SENT, value: next }],
    })
    return versions[0] ?? 0
  } catch (error) {
    if (!isKaosError(error, 'CONFLICT')) throw error
    return (await recordAt(ledger, SENT))?.version ?? 0
  }
}

/** Jobs whose outcome it states, trials that it adds. */
function endedIn({ moves = [], nodes = [] }: Payload): string[] {
  const jobs = moves.flatMap(({ pointer }) => OUTCOME.exec(pointer)?.[1] ?? [])
  return [...nodes.filter(node => node.kind === 'trial').map(node => node.id), ...jobs]
}

async function sendEnd(options: Options, id: string, signal: AbortSignal): Promise<void> {
  const { ledger, target, log } = options
  const activity = await ledger.node(id)
  const workspace = activity?.workspace && (await ledger.node(activity.workspace))
  const name = workspace ? (workspace.name ?? workspace.id) : ''
  const event = activity && (await endEvent(ledger, activity, name))
  if (!event) return
  const answer = await fetch(addressOf(target), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(target.apiKey !== undefined && { authorization: `Bearer ${target.apiKey}` }),
    },
    body: JSON.stringify(event),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
  })
  const said = (await answer.text()).slice(0, 500)
  if (answer.ok) return
  const what = `the lineage server answered ${answer.status}`
  if (!isFinal(answer.status)) throw new Error(what)
  // Sending it again would hold up all that come after it for ever.
  log('error', `${what} to the event of ${activity.kind} ${id}: it is left out`, { said })
}

/** It will never take this one. Not the right key is for people to mend. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 404, 408, 429].includes(status)
}

/** As the clients of OpenLineage take an address: of the server, or whole. */
function addressOf({ url }: Target): string {
  const base = url.replace(/\/+$/, '')
  return base.endsWith('/lineage') ? base : `${base}/api/v1/lineage`
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal, ref: false }).catch(() => {})
}
