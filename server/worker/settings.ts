/** Settings of the server's own worker. */
import { KaosError } from '../../api/errors.ts'
import { LABEL, LABELS_MAX } from '../../api/workers.ts'
import type { Settings } from '../parts.ts'
import { fileAt } from '../system/readers.ts'

export const WORKER_SOURCES = {
  noWorker: {
    flag: 'no-worker',
    variable: 'KAOS_NO_WORKER',
    allowed: '1 or 0',
    read: (value: string) => ({ 1: true, true: true, 0: false, false: false })[value],
  },
  labels: {
    flag: 'labels',
    variable: 'KAOS_LABELS',
    allowed: 'words with commas between, such as gpu,bigmem',
    read: labelsIn,
  },
  enrolToken: fileAt('KAOS_ENROL_TOKEN_FILE'),
  enrolAddress: {
    variable: 'KAOS_ENROL_ADDRESS',
    allowed: 'an address such as http://worker:8090',
    read: (value: string) => (/^https?:\/\/[^/?#@]+$/.test(value) ? value : undefined),
  },
} as const

/** CONFIGURATION for an address of nobody. */
export function enrolOf(token: string | undefined, address: string | undefined): Settings['enrol'] {
  if (token !== undefined) return { token, address }
  if (address === undefined) return undefined
  const message = 'KAOS_ENROL_ADDRESS is of no use without KAOS_ENROL_TOKEN_FILE'
  throw new KaosError('CONFIGURATION', message)
}

/** Undefined for what is no list of labels. */
function labelsIn(text: string): string[] | undefined {
  const words = text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
  return words.length <= LABELS_MAX && words.every(word => LABEL.test(word)) ? words : undefined
}
