/* Runs over parts of the store's bars, put together: what each of them kept with `--out`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Beside } from './bars.ts'
import type { LocalCheckout } from './checkout.ts'
import type { Packing } from './packing.ts'
import type { Line } from './rounds.ts'

interface Joined extends Omit<Beside, 'changedBytes'> {
  readonly lines: readonly Line[]
  /** Under which circumstances each was measured. */
  readonly about: readonly string[]
  /** Who was missing where, as the runs said it. */
  readonly missing: ReadonlyMap<string, string>
}

type Row =
  | { readonly part: 'about'; readonly about: readonly string[] }
  | { readonly part: 'missing'; readonly missing: readonly [string, string][] }
  | ({ readonly part: 'local checkout' } & LocalCheckout)
  | ({ readonly part: 'packing' } & Packing)
  | ({ readonly part?: undefined } & Line)

export function joined(folders: readonly string[]): Joined {
  const rows = folders.flatMap(rowsIn)
  const texts = rows.flatMap(row => (row.part === 'about' ? row.about : []))
  return {
    lines: rows.filter(row => row.part === undefined),
    about: [...new Set(texts)],
    missing: new Map(rows.flatMap(row => (row.part === 'missing' ? row.missing : []))),
    localCheckout: rows.flatMap(row =>
      row.part === 'local checkout' ? [row.copyMs / row.oursMs] : [],
    ),
    packed: rows.flatMap(row =>
      row.part === 'packing' ? [row.each.cpuMs / row.packed.cpuMs] : [],
    ),
  }
}

function rowsIn(folder: string): Row[] {
  const text = readFileSync(join(folder, 'raw.jsonl'), 'utf8')
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}
