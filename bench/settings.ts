/* What `npm run bench -- …` may be told. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

export const PARTS = ['W1', 'W2', 'W3', 'W5', 'B6', 'B7'] as const

export interface Settings {
  readonly scale: number
  readonly rounds: number
  /** Some of PARTS. */
  readonly only: readonly string[]
  /** Names of contestants; undefined: all. */
  readonly who: readonly string[] | undefined
  /** Where workloads are kept between runs. */
  readonly cache: string
  /** Where everything else is made, and removed. */
  readonly work: string
  /** For raw lines and tables; undefined keeps none. */
  readonly out: string | undefined
  /** Keep CPU profiles of the counted rounds below `out`. */
  readonly profile: boolean
  /** Folders that `--out` named in earlier runs, each over a part: their lines are put together and
   * nothing is measured. */
  readonly join: readonly string[]
  /** Page whose marked place gets the tables. */
  readonly markdown: string | undefined
}

/** Below 64 MB for each workload. */
const SMALL = 1 / 64

const OPTIONS = {
  small: { type: 'boolean' },
  scale: { type: 'string' },
  rounds: { type: 'string' },
  only: { type: 'string' },
  who: { type: 'string' },
  cache: { type: 'string' },
  work: { type: 'string' },
  out: { type: 'string' },
  profile: { type: 'boolean' },
  join: { type: 'string' },
  markdown: { type: 'string' },
} as const

/** Which programs to run, and the settings. */
export function settingsOf(argv: readonly string[]): { programs: string[]; settings: Settings } {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    allowPositionals: true,
    strict: true,
  })
  const scale = Number(values.scale ?? (values.small ? SMALL : 1))
  if (!(scale > 0 && scale <= 1)) throw new Error('--scale is a number over 0, at most 1')
  const rounds = Number(values.rounds ?? 5)
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds is a number from 1')
  const only = values.only?.split(',') ?? [...PARTS]
  const unknown = only.find(part => !PARTS.some(one => one === part))
  if (unknown !== undefined) throw new Error(`--only knows ${PARTS.join(', ')}, not ${unknown}`)
  if (values.profile && !values.out) throw new Error('--profile needs --out for what it keeps')
  const settings: Settings = {
    scale,
    rounds,
    only,
    who: values.who?.split(','),
    cache: values.cache ?? join(tmpdir(), 'kaos-bench-workloads'),
    work: values.work ?? tmpdir(),
    out: values.out,
    profile: values.profile === true,
    join: values.join?.split(',') ?? [],
    markdown: values.markdown,
  }
  return { programs: positionals, settings }
}
