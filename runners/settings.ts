/* Settings of a worker, from the environment that main.ts hands in. A value that is not allowed stops
 * the start and is named. */
import { readFileSync } from 'node:fs'
import { mkdir, statfs } from 'node:fs/promises'
import { KaosError } from '../api/errors.ts'
import { LABEL, LABELS_MAX } from '../api/workers.ts'
import type { ReachSettings } from './worker/reach.ts'

export type Variables = Readonly<Record<string, string | undefined>>

const SLOTS = 2
const CLUSTER_SLOTS = 32

export function needed(env: Variables, name: string): string {
  const value = env[name]
  if (value) return value
  throw refusal(`${name} is not set; the worker cannot start without it`)
}

/** From KAOS_WORKER_TOKEN, or the file that KAOS_WORKER_TOKEN_FILE names. */
export function tokenOf(env: Variables): string {
  const file = env.KAOS_WORKER_TOKEN_FILE
  if (env.KAOS_WORKER_TOKEN) return env.KAOS_WORKER_TOKEN
  if (!file) {
    const next =
      'give it with --token-file; an administrator makes one: kaos admin worker token NAME'
    throw refusal(`KAOS_WORKER_TOKEN is not set, and the worker cannot start without; ${next}`)
  }
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw refusal(`KAOS_WORKER_TOKEN_FILE cannot be read: ${(cause as Error).message}`)
  }
}

export function slotsOf(env: Variables): number {
  // What waits in a cluster for room takes a slot as well.
  const usual = env.KAOS_RUNNER === 'kubernetes' ? CLUSTER_SLOTS : SLOTS
  const value = Number(env.KAOS_SLOTS || usual)
  if (Number.isInteger(value) && value > 0 && value <= 1024) return value
  throw refusal(`KAOS_SLOTS is "${env.KAOS_SLOTS}"; give a number from 1 to 1024`)
}

export function labelsOf(env: Variables): string[] {
  const words = (env.KAOS_LABELS ?? '').split(',').map(word => word.trim())
  const labels = words.filter(word => word !== '')
  const bad = labels.find(label => !LABEL.test(label))
  if (bad === undefined && labels.length <= LABELS_MAX) return labels
  const allowed = `at most ${LABELS_MAX} words of letters, digits and . _ / = - with commas between`
  throw refusal(`KAOS_LABELS is "${env.KAOS_LABELS}"; give ${allowed}`)
}

/** What is in use may be more. */
export async function cacheBytesOf(env: Variables, folder: string): Promise<number> {
  if (env.KAOS_CACHE_GB) {
    const value = Number(env.KAOS_CACHE_GB)
    if (Number.isFinite(value) && value >= 0) return value * 1e9
    throw refusal(`KAOS_CACHE_GB is "${env.KAOS_CACHE_GB}"; give a number of gigabytes, such as 50`)
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { blocks, bsize } = await statfs(folder)
  return (blocks * bsize) / 5
}

export function reachSettingsOf(env: Variables): ReachSettings {
  const server = needed(env, 'KAOS_SERVER')
  if (!/^https?:$/.test(URL.parse(server)?.protocol ?? '')) {
    throw refusal(`KAOS_SERVER is "${server}"; give an address like https://kaos.example.com`)
  }
  return {
    server,
    own: env.KAOS_WORKER_OWN === '1',
    listen: env.KAOS_WORKER_LISTEN || undefined,
    address: env.KAOS_WORKER_ADDRESS?.replace(/\/+$/, '') || undefined,
    tlsCert: env.KAOS_WORKER_TLS_CERT || undefined,
    tlsKey: env.KAOS_WORKER_TLS_KEY || undefined,
    plain: env.KAOS_WORKER_PLAIN === '1',
  }
}

/** The process runner has no isolation, so beyond this host somebody must have said that it is right. */
export function requireProcessesAllowed(env: Variables, { own, server }: ReachSettings): void {
  const { hostname } = new URL(server)
  if (own || env.KAOS_ALLOW_PROCESS_RUNNER === '1' || isLoopback(hostname)) return
  const why = 'the process runner has no isolation, so programs of all users could read each other'
  const next = 'use --runner docker, or set KAOS_ALLOW_PROCESS_RUNNER=1 if you trust them all'
  throw refusal(`${why}; ${next}`)
}

export function isLoopback(host: string): boolean {
  return /^(localhost|\[?::1\]?|127(\.\d{1,3}){3})$/.test(host)
}

function refusal(message: string): KaosError {
  return new KaosError('CONFIGURATION', message)
}
