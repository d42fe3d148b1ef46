/** Whether a service answers HTTP: any status will do, since templates answer 404 to /ping. */
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../api/attempts.ts'

const LOOK_MS = 200
const ANSWER_MS = 5000

/** Asks until it answers; false when that took longer than `ms` or the signal was aborted. */
export async function answers(address: Address, ms: number, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + ms
  while (!signal.aborted) {
    if (await answersOnce(address, signal)) return true
    if (performance.now() >= until) return false
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
  }
  return false
}

function answersOnce(address: Address, signal: AbortSignal): Promise<boolean> {
  const at = 'socket' in address ? { socketPath: address.socket } : address
  return new Promise(resolve => {
    const call = request({ ...at, path: '/ping', agent: false, signal, timeout: ANSWER_MS })
    call.once('response', answer => {
      answer.destroy()
      resolve(true)
    })
    call.once('timeout', () => call.destroy())
    call.once('error', () => resolve(false))
    call.end()
  })
}
