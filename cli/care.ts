/* What the commands that care for a store have in common: following what runs on the server, and
 * amounts as people type and read them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { KaosError } from '../api/errors.ts'
import { byteText } from './times.ts'

/** Between two questions: quick at first, for small stores. */
const FIRST_MS = 150
const LAST_MS = 2000

/** Asks until it runs no more, and tells each change. Ctrl-C ends the waiting, not the run. */
export async function runEnd<T extends { state: string }>(
  ask: () => Promise<T>,
  describe: (run: T) => string,
  tell: (text: string) => void,
  left: string,
): Promise<T> {
  const leave = () => {
    tell(`\n${left}`)
    process.exit(130)
  }
  process.once('SIGINT', leave)
  let told = ''
  try {
    for (let wait = FIRST_MS; ; wait = Math.min(wait * 1.4, LAST_MS)) {
      const run = await ask()
      if (run.state !== 'running') return run
      const text = describe(run)
      if (text !== told) tell(text)
      told = text
      await sleep(wait)
    }
  } finally {
    process.off('SIGINT', leave)
  }
}

/** `12 objects, 3.4 MB` */
export function amountText({ objects, bytes }: { objects: number; bytes: number }): string {
  return `${objects} object${objects === 1 ? '' : 's'}, ${byteText(bytes)}`
}

const UNITS = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

/** `500000`, `20G`, `1.5Ti`: bytes. USAGE when it is none of these. */
export function parseAmount(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(text) ?? []
  const factor = UNITS[unit.toLowerCase() as keyof typeof UNITS]
  const bytes = number === undefined ? Number.NaN : Math.round(Number(number) * factor)
  if (Number.isSafeInteger(bytes)) return bytes
  throw new KaosError('USAGE', `"${text}" is no amount of bytes; give one like 500M, 20G or 1.5Ti`)
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** `0`, `90m`, `1h`, `7d`: seconds. USAGE when it is none of these. */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  const [, number, unit] = /^(\d{1,7})([smhdw])$/.exec(text) ?? []
  if (number !== undefined) return Number(number) * SECONDS[unit as keyof typeof SECONDS]
  throw new KaosError('USAGE', `"${text}" is no length of time; give one like 0, 90m, 1h or 7d`)
}
