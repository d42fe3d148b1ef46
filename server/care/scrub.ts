/* The slow check: every byte of the store is read once in so many days, a little at a time, so that
 * damage is known before somebody needs what is damaged. */
import type { ScrubView } from '../../api/wire.ts'
import type { Rooms } from '../rooms.ts'
import { RunRecord } from './run-record.ts'

export interface Scrub {
  /** Reads what is due by now. Waits for nothing else, and can be called at any time. */
  turn(): Promise<void>
  view(): Promise<ScrubView>
  close(): Promise<void>
}

/** One reading of everything, as far as it came. */
interface Round {
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly bytes: number
  readonly found: number
  readonly cursor?: string
}

const TURN_MS = 60_000
const DAY_MS = 24 * 3600_000

interface Options {
  readonly days: number
  /** Something else reads everything just now. */
  busy(): boolean
}

export function openScrub(parts: Rooms, { days, busy }: Options): Scrub {
  const { ledger, store, people, now, log } = parts
  const record = new RunRecord<Round>(ledger, people.system.id, 'scrub/round')
  const everyMs = days * DAY_MS
  let turning: Promise<void> | undefined
  let closing = false
  const timer = days === 0 ? undefined : setInterval(() => void turn(), TURN_MS)
  timer?.unref()

  /** The round under way; a new one when the last is so many days old. */
  async function current(): Promise<Round | undefined> {
    const last = await record.last()
    if (last?.finishedAt === null) return last
    if (last && now() - Date.parse(last.startedAt) < everyMs) return undefined
    return { startedAt: new Date(now()).toISOString(), finishedAt: null, bytes: 0, found: 0 }
  }

  async function readDue(): Promise<void> {
    const round = await current()
    if (!round || busy()) return
    await record.begin(round)
    const { bytes: total } = await store.stats()
    const share = Math.min(1, (now() - Date.parse(round.startedAt) + TURN_MS) / everyMs)
    let { bytes, found, cursor } = round
    let ended = true
    for await (const checked of store.check(cursor)) {
      if (checked.kind === 'damage') {
        found++
        const next = 'see what it affects with: kaos admin fsck'
        log('error', `a stored object is damaged: ${checked.digest} (${checked.reason}); ${next}`)
      } else if (checked.kind === 'file') {
        log('warn', `the store's file ${checked.file} was damaged: ${checked.reason}`)
      } else {
        bytes += checked.bytes
        cursor = checked.cursor
        ended = (share === 1 || bytes < total * share) && !closing && !busy()
        if (!ended) break
      }
    }
    const at = { ...round, bytes, found, ...(cursor !== undefined && { cursor }) }
    const finishedAt = ended ? new Date(now()).toISOString() : null
    await record.end({ ...at, finishedAt })
  }

  function turn(): Promise<void> {
    turning ??= readDue()
      .catch(error => log('error', `the scrub failed: ${(error as Error).message}`))
      .finally(() => {
        turning = undefined
      })
    return turning
  }

  return {
    turn,
    async view() {
      const last = await record.last()
      const { startedAt = null, finishedAt = null, bytes = 0, found = 0 } = last ?? {}
      return { days, startedAt, finishedAt, bytes, found }
    },
    async close() {
      closing = true
      clearInterval(timer)
      await turning
    },
  }
}
