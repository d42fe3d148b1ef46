/* Whether a service answers HTTP. Any status will do, since templates answer 404 to /ping; but while a
 * proxy inside still looks for its program (502, 503, 504) it gets a little more time. */
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../api/attempts.ts'

const LOOK_MS = 200
const ANSWER_MS = 5000
/** So long a proxy may say that its program is not there yet; after that its answer counts. */
const PROXY_MS = 10_000
const NOT_YET = [502, 503, 504]

/** Asks until it answers; false when that took longer than `ms` or the signal was aborted. */
export async function answers(address: Address, ms: number, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + ms
  let first: number | undefined
  while (!signal.aborted) {
    const status = await statusOf(address, signal)
    if (status !== undefined) {
      first ??= performance.now()
      if (!NOT_YET.includes(status) || performance.now() - first >= PROXY_MS) return true
    }
    if (performance.now() >= until) return false
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
  }
  return false
}

function statusOf(address: Address, signal: AbortSignal): Promise<number | undefined> {
  const at = 'socket' in address ? { socketPath: address.socket } : address
  return new Promise(resolve => {
    const call = request({ ...at, path: '/ping', agent: false, signal, timeout: ANSWER_MS })
    call.once('response', answer => {
      answer.destroy()
      resolve(answer.statusCode)
    })
    call.once('timeout', () => call.destroy())
    call.once('error', () => resolve(undefined))
    call.end()
  })
}
