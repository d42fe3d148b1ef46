/* The settings of a server that others rely on: what it logs, and where it turns callers away. */
import { LOG_LEVELS } from '../../api/log-line.ts'
import type { Bounds, Settings } from '../parts.ts'
import { oneOf, whole } from './readers.ts'

/** Ten times what a busy client of ours makes. */
const REQUESTS_PER_SECOND = 200
const UPLOADS_MAX = 256
const MEMORY_MAX_MB = 768
const LAG_MAX_MS = 3000

export const OPERATION_SOURCES = {
  logLevel: {
    variable: 'KAOS_LOG_LEVEL',
    allowed: LOG_LEVELS.join(', '),
    read: oneOf(...LOG_LEVELS),
  },
  logTo: {
    variable: 'KAOS_LOG_TO',
    allowed: 'file (logs/server.log in the data folder) or stderr',
    read: oneOf('file', 'stderr'),
  },
  requestsPerSecond: {
    variable: 'KAOS_RATE_LIMIT',
    allowed: '0 to 100000 (calls a second of one token or address; 0: any number)',
    read: whole(0, 100_000),
  },
  uploadsMax: {
    variable: 'KAOS_UPLOADS_MAX',
    allowed: '0 to 100000 (bodies that come in at once; 0: any number)',
    read: whole(0, 100_000),
  },
  memoryMax: {
    variable: 'KAOS_MEMORY_MAX_MB',
    allowed: '0 or 128 to 1000000 (megabytes of heap and buffers; 0: any number)',
    read: (value: string) => (value === '0' ? 0 : whole(128, 1_000_000)(value)),
  },
  lagMax: {
    variable: 'KAOS_LAG_MAX_MS',
    allowed: '0 to 60000 (milliseconds that the event loop may be late; 0: any number)',
    read: whole(0, 60_000),
  },
} as const

type Sources = typeof OPERATION_SOURCES
type Get = <K extends keyof Sources>(key: K) => ReturnType<Sources[K]['read']>

/** `local`: there is one user, who would only turn himself away. */
export function operationOf(get: Get, local: boolean): Pick<Settings, 'logging' | 'bounds'> {
  const bounds: Bounds = {
    requestsPerSecond: get('requestsPerSecond') ?? (local ? 0 : REQUESTS_PER_SECOND),
    uploads: get('uploadsMax') ?? UPLOADS_MAX,
    memoryBytes: (get('memoryMax') ?? MEMORY_MAX_MB) * 1024 * 1024,
    lagMs: get('lagMax') ?? LAG_MAX_MS,
  }
  return { logging: { level: get('logLevel') ?? 'info', to: get('logTo') ?? 'file' }, bounds }
}
