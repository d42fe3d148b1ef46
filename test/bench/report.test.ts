import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { type Bar, barsOf, verdictOf } from '../../bench/bars.ts'
import { joined } from '../../bench/join.ts'
import { barRows, markdownTable, withTable } from '../../bench/report.ts'
import type { Line } from '../../bench/rounds.ts'

const BESIDE = { changedBytes: 1000, localCheckout: [], packed: [] }

function line(over: Partial<Line>): Line {
  const base = {
    suite: 'W1',
    step: 'push v2',
    contestant: 'kaos',
    round: 1,
    counted: false,
  } as const
  return { ...base, load: 0, wallMs: 1000, clientCpuMs: 100, ...over }
}

function barIn(bars: readonly Bar[], id: string): Bar {
  const found = bars.find(one => one.id === id)
  assert.ok(found)
  return found
}

test('a ratio is the median of the pairs, each of one round', () => {
  const lines = [
    [1000, 3000],
    [2000, 10_000],
    [4000, 16_000],
  ].flatMap(([ours, theirs], round) => [
    line({ round, wallMs: ours! }),
    line({ round, wallMs: theirs!, contestant: 'kit' }),
  ])

  const bar = barIn(barsOf(lines, BESIDE), 'B1')

  assert.deepEqual(bar.values, [3, 5, 4])
  assert.equal(barRows([bar], new Map())[1]?.[4], '4.00')
})

test('rounds in which bytes are counted do not count for times, and the other way round', () => {
  const lines = [
    line({ counted: true, wireBytes: 1250 }),
    line({ counted: true, contestant: 'kit', wireBytes: 9000 }),
  ]

  const bars = barsOf(lines, BESIDE)

  assert.deepEqual(barIn(bars, 'B1').values, [])
  assert.deepEqual(barIn(bars, 'B3').values, [1.25])
})

test('CPU of client and server count together', () => {
  const common = { suite: 'W2', clientCpuMs: 100 }
  const lines = [
    line({ ...common, serverCpuMs: 100 }),
    line({ ...common, contestant: 'dvc', clientCpuMs: 4000 }),
  ]

  const [, cpu] = barsOf(lines, BESIDE).filter(one => one.id === 'B2')

  assert.deepEqual(cpu?.values, [20])
})

test('a verdict says met, missed or moonshot, whichever way is better', () => {
  const bar = (better: Bar['better'], value: number): Bar => {
    const [goal, moonshot] = better === 'larger' ? [3, 4] : [1, 0.5]
    return { id: 'B', what: '', better, goal, moonshot, values: [value] }
  }

  const verdicts = [bar('larger', 2.9), bar('larger', 3), bar('larger', 4.1)].map(verdictOf)
  const others = [bar('smaller', 1.1), bar('smaller', 0.9), bar('smaller', 0.4)].map(verdictOf)

  assert.deepEqual(verdicts, ['missed', 'met', 'moonshot'])
  assert.deepEqual(others, verdicts)
})

test('a bar without its peer says so, and is no pass', () => {
  const bars = barsOf([line({})], BESIDE)
  const missing = new Map([['kit', 'peer missing: KIT= names no program']])

  const rows = barRows(bars, missing)

  assert.equal(rows.find(row => row[0] === 'B1')?.at(-1), 'peer missing: KIT= names no program')
  assert.equal(rows.find(row => row[0] === 'B6')?.at(-1), 'not measured')
})

test('a peer that failed in one suite is named where it was needed, and only there', () => {
  const missing = new Map([['W1 kit', 'kit failed: no space']])

  const rows = barRows(barsOf([], BESIDE), missing)

  assert.equal(rows.find(row => row[0] === 'B1')?.at(-1), 'kit failed: no space')
  assert.equal(rows.find(row => row[0] === 'B2')?.at(-1), 'not measured')
})

test('the tables take the place between the marks of a page, again and again', () => {
  const page = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n'
  const table = markdownTable([['a'], ['1']])

  const once = withTable(page, table)
  const twice = withTable(once, table)

  assert.equal(
    once,
    'before\n<!-- bench: begin -->\n| a |\n| --- |\n| 1 |\n<!-- bench: end -->\nafter\n',
  )
  assert.equal(twice, once)
  assert.throws(() => withTable('a page without a place', table), /no place between/)
})

test('runs over parts are put together from what each of them kept', t => {
  const folder = mkdtempSync(join(tmpdir(), 'kaos-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const rows = {
    one: [
      { part: 'about', about: ['monday', 'kit: none'] },
      { suite: 'W1', step: 'push v1', contestant: 'kaos', round: 1, wallMs: 5 },
      { part: 'missing', missing: [['kit', 'peer missing: KIT= names no program']] },
    ],
    two: [
      { part: 'about', about: ['tuesday', 'kit: none'] },
      { part: 'local checkout', round: 1, copyMs: 30, oursMs: 3, oursCpuMs: 1 },
      { part: 'packing', round: 1, objects: 1, each: { cpuMs: 40 }, packed: { cpuMs: 2 } },
    ],
  }
  for (const [name, lines] of Object.entries(rows)) {
    mkdirSync(join(folder, name))
    const text = lines.map(line => `${JSON.stringify(line)}\n`).join('')
    writeFileSync(join(folder, name, 'raw.jsonl'), text)
  }

  const all = joined([join(folder, 'one'), join(folder, 'two')])

  assert.deepEqual(all.about, ['monday', 'kit: none', 'tuesday'])
  assert.deepEqual(all.lines, [rows.one[1]])
  assert.deepEqual([all.localCheckout, all.packed], [[10], [20]])
  assert.equal(all.missing.get('kit'), 'peer missing: KIT= names no program')
})
