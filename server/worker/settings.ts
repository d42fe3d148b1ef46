/** Settings of the server's own worker. */
import { LABEL, LABELS_MAX } from '../../api/workers.ts'

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
} as const

/** Undefined for what is no list of labels. */
function labelsIn(text: string): string[] | undefined {
  const words = text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
  return words.length <= LABELS_MAX && words.every(word => LABEL.test(word)) ? words : undefined
}
