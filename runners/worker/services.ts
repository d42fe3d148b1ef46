/* The outcome of a service: how it came to its end. A service that ended without having been asked is
 * started again, each time in a place of its own, until that happened too often. */
import type { Address, ServiceWork } from '../../api/attempts.ts'
import type { Exit, Running } from '../runner.ts'
import { pause } from './patience.ts'
import { adopted, begun, endOf, present, runOrder } from './programs.ts'
import { answers } from './readiness.ts'
import { GRACE_MS, type Outcome, type Work } from './work.ts'

/** More ends than this within the window, and the service is given up. */
const RESTARTS_MAX = 5
const WINDOW_MS = 10 * 60 * 1000
const SEE = 'see: kaos serve logs'

export async function serviceOutcome(work: Work, order: ServiceWork): Promise<Outcome> {
  const ends: number[] = []
  let running = work.resumed ? await adopted(work) : await begin(work, order)
  for (;;) {
    const one = await untilEnd(work, order, running)
    const { exit } = one
    const finish = { startedAt: exit.startedAt, finishedAt: exit.finishedAt }
    const known = { ...finish, environment: running.environment }
    if (one.late) return { ...known, state: 'failed', reason: late(order, running.address) }
    if (exit.state === 'stopped') return { ...known, state: 'stopped' }
    const ended = `the service ${how(exit)}`
    // Where it ran is to blame for a lost one, so that is no sign that it cannot serve.
    if (work.folder.progress.served === undefined && exit.state !== 'lost') {
      return { ...known, state: 'failed', reason: `${ended} before it answered; ${SEE}` }
    }
    const now = Date.now()
    ends.push(now)
    const recent = ends.filter(at => now - at < WINDOW_MS).length
    if (recent > RESTARTS_MAX) {
      const reason = `${ended}, for the ${recent}th time within ten minutes; ${SEE}`
      return { ...known, state: 'failed', reason }
    }
    work.lease.set({ phase: 'restarting', startedAt: running.startedAt })
    work.log.line(`${ended}; starting it again`)
    await pause(1000 * 2 ** (recent - 1), work.lease.halted)
    running = await again(work, order)
  }
}

async function begin(work: Work, order: ServiceWork): Promise<Running> {
  const run = await runOrder(work, order.image, order.resources)
  work.lease.halted.throwIfAborted()
  return begun(work, () => work.runner.serve(run, work.folder.place))
}

async function again(work: Work, order: ServiceWork): Promise<Running> {
  const { folder, log, runner } = work
  await present(work, () => runner.stop(folder.place, 0))
  await present(work, () => runner.release(folder.place))
  folder.advance({ starts: folder.progress.starts + 1, logBase: log.size })
  return begin(work, order)
}

interface End {
  readonly exit: Exit
  /** It did not answer in time and was ended for that. */
  readonly late: boolean
}

async function untilEnd(work: Work, order: ServiceWork, running: Running): Promise<End> {
  const { folder, lease, runner } = work
  const { address, startedAt } = running
  lease.set({ phase: folder.progress.starts === 1 ? 'running' : 'restarting', startedAt })
  let late = false
  const over = new AbortController()
  const watching = (async () => {
    if (address === undefined) return
    const { served, starts } = folder.progress
    // One that has answered before is busy, not late.
    // Counted from here, by no clock: one that was moved makes nobody late.
    const ms = served === starts ? Number.POSITIVE_INFINITY : order.readyTimeoutMs
    const until = AbortSignal.any([over.signal, lease.halted])
    if (await answers(address, ms, until)) {
      if (served !== starts) folder.advance({ served: starts })
      lease.set({ phase: 'serving', address: work.shown(address), startedAt })
    } else if (!until.aborted) {
      late = true
      await runner.stop(folder.place, GRACE_MS)
    }
  })()
  try {
    return { exit: await endOf(work, running), late }
  } finally {
    over.abort()
    await watching
  }
}

function late(order: ServiceWork, address: Address | undefined): string {
  const port = address !== undefined && 'port' in address ? address.port : 8080
  const seconds = Math.round(order.readyTimeoutMs / 1000)
  return `the service did not answer HTTP on port ${port} within ${seconds} s of its start; ${SEE}`
}

function how({ exit, reason, state }: Exit): string {
  if (state === 'lost' || exit === undefined) return `ended: ${reason ?? 'nobody knows why'}`
  return `ended with exit code ${exit}${reason === undefined ? '' : `: ${reason}`}`
}
