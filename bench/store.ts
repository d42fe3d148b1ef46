/* The store's bars. Nothing is asserted: the table says met or missed, and the raw lines stay. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { barsOf } from './bars.ts'
import { type LocalCheckout, localCheckouts } from './checkout.ts'
import { joined } from './join.ts'
import { root } from './measure.ts'
import { type Packing, packings } from './packing.ts'
import { type Peers, peersOf } from './peers.ts'
import { barRows, markdownTable, plainTable, stepRows, withTable } from './report.ts'
import type { Line } from './rounds.ts'
import type { Settings } from './settings.ts'
import { everySuite, madeFor } from './suites.ts'
import { changedBytes, W2 } from './workloads.ts'

export async function store(settings: Settings): Promise<void> {
  if (settings.join.length > 0) return tellJoined(settings)
  const peers = peersOf(process.env)
  const about = aboutOf(settings, peers)
  console.log(about.join('\n'))
  mkdirSync(settings.cache, { recursive: true })
  if (settings.out !== undefined) mkdirSync(settings.out, { recursive: true })
  const write = rawLines(settings.out)
  write({ part: 'about', about })
  const lines: Line[] = []
  const record = (line: Line) => {
    lines.push(line)
    write(line)
    console.log(shownOf(line))
  }
  mkdirSync(settings.work, { recursive: true })
  const folder = mkdtempSync(join(settings.work, 'kaos-bench-'))
  try {
    await everySuite(settings, { folder, peers, record })
    const checkouts = await localPart(settings, folder)
    const packed = await packedPart(settings, folder)
    for (const one of checkouts) write({ part: 'local checkout', ...one })
    for (const one of packed) write({ part: 'packing', ...one })
    write({ part: 'missing', missing: [...peers.missing] })
    const bars = barsOf(lines, {
      changedBytes: changedBytes(settings.scale),
      localCheckout: checkouts.map(one => one.copyMs / one.oursMs),
      packed: packed.map(one => one.each.cpuMs / one.packed.cpuMs),
    })
    tell(settings, about, [barRows(bars, peers.missing), stepRows(lines)])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tellJoined(settings: Settings): void {
  const { lines, about, missing, ...beside } = joined(settings.join)
  const bars = barsOf(lines, { ...beside, changedBytes: changedBytes(settings.scale) })
  tell(settings, about, [barRows(bars, missing), stepRows(lines)])
}

async function localPart(settings: Settings, folder: string): Promise<LocalCheckout[]> {
  if (!settings.only.includes('B6')) return []
  const place = join(folder, 'local')
  mkdirSync(place)
  const done = await localCheckouts(madeFor(W2, settings), place, settings.rounds)
  for (const { round, copyMs, oursMs, oursCpuMs } of done) {
    const times = `cp ${copyMs.toFixed(0)} ms, ours ${oursMs.toFixed(0)} ms`
    console.log(`B6 local checkout ${round}: ${times}, CPU ${oursCpuMs.toFixed(0)} ms`)
  }
  return done
}

async function packedPart(settings: Settings, folder: string): Promise<Packing[]> {
  if (!settings.only.includes('B7')) return []
  const objects = settings.scale < 1 ? 200 : 2000
  const done = await packings(join(folder, 'packing'), settings.rounds, objects)
  for (const { round, each, packed } of done) {
    const one = `a file each ${each.cpuMs.toFixed(0)} ms CPU, ${each.wallMs.toFixed(0)} ms`
    const all = `packed ${packed.cpuMs.toFixed(1)} ms CPU, ${packed.wallMs.toFixed(0)} ms`
    console.log(`B7 ${objects} objects of 2 KB, round ${round}: ${one}; ${all}`)
  }
  return done
}

/** Under which circumstances it was measured. */
function aboutOf(settings: Settings, peers: Peers): string[] {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], {
    cwd: root,
    encoding: 'utf8',
  }).trim()
  const [first] = cpus()
  const load = loadavg().map(one => one.toFixed(1))
  return [
    `${new Date().toISOString()}, commit ${commit}, node ${process.version}, Linux ${release()}`,
    `${cpus().length} × ${first?.model}, load at the start ${load.join(' ')}`,
    `scale ${settings.scale}, ${settings.rounds} rounds, warm caches, loopback`,
    ...peers.about,
  ]
}

function rawLines(out: string | undefined): (line: object) => void {
  if (out === undefined) return () => {}
  const file = join(out, 'raw.jsonl')
  writeFileSync(file, '')
  return line => appendFileSync(file, `${JSON.stringify(line)}\n`)
}

function shownOf(line: Line): string {
  const { suite, step, contestant, round, wallMs, clientCpuMs, serverCpuMs = 0 } = line
  const what = line.counted ? 'counted, not timed' : `${(wallMs / 1000).toFixed(2)} s`
  const cpu = `${((clientCpuMs + serverCpuMs) / 1000).toFixed(2)} CPU s`
  return `${suite} ${step}: ${contestant}, round ${round}: ${what}, ${cpu}, load ${line.load.toFixed(1)}`
}

type Table = readonly (readonly string[])[]

function tell(settings: Settings, about: readonly string[], [bars, steps]: [Table, Table]): void {
  console.log(`\n${plainTable(bars)}\n\n${plainTable(steps)}`)
  const page = [about.join('  \n'), markdownTable(bars), markdownTable(steps)].join('\n\n')
  const { out, markdown } = settings
  if (out !== undefined) writeFileSync(join(out, 'table.md'), `${page}\n`)
  if (markdown === undefined) return
  writeFileSync(markdown, withTable(readFileSync(markdown, 'utf8'), page))
}
