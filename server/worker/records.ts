/* What is kept of workers.
 *
 *   worker/<agent>/<instance>        what one said of itself, and when it was heard of; expires
 *   worker-name/<organisation>/<name>   that it was enrolled, its token's record, who drained it */
import type { WorkerAbout } from '../../api/workers.ts'

export type WorkerRecord = WorkerAbout & {
  agent: string
  name: string
  runner: string
  /** Milliseconds since 1970. */
  heardAt: number
  /** Address that its forwarder's URL was found to mean, where it must be the one that it calls from. */
  to?: string
}

export type Note = { by: string; at: string; reason: string | null }

export type NameRecord = {
  name: string
  agent: string
  /** Key of the record that makes it valid. */
  token: { key: string; expiresAt: number } | null
  /** The only place where its services may be called. */
  address: string | null
  drained: Note | null
  retired: Note | null
}

export const WORKERS = 'worker/'
export const NAMES = 'worker-name/'

export const workerKeyOf = (agent: string, instance: string) => `${WORKERS}${agent}/${instance}`
export const nameKeyOf = (organisation: string, name: string) => `${NAMES}${organisation}/${name}`

/** The worker that a server starts for itself. */
export const OWN_WORKER = 'local'
