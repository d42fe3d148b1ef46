/* Much at once, through real processes: commands that push, commands that fetch, and short trainings.
 * Nothing may fail, the server stays small, and afterwards it holds no more than before. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli, folder, type Server, startServer } from './kaos.ts'

export interface Load {
  readonly pushes: number
  readonly pulls: number
  readonly jobs: number
  /** Again and again for so long; 0: once. */
  readonly seconds: number
}

const RSS_MAX_MIB = 512
/** Descriptors that may stay: of the 64 packs that the store keeps open, and a few connections. */
const MORE_DESCRIPTORS = 80
/** Not collected yet. */
const MORE_HEAP_MIB = 96
const SETTLE_S = 180
const GRID = 25

export async function underLoad(t: TestContext, load: Load): Promise<void> {
  const data = folder(t)
  const server = await startServer(data, { env: { KAOS_SLOTS: '8', KAOS_SCRUB_DAYS: '0' } })
  t.after(() => server.stop())
  const scene = await openScene(t, server)
  // Everything was used once, so that what follows is no first time.
  await scene.round({ pushes: 1, pulls: 1, jobs: 1 })
  const before = await figuresOf(server)
  writeFileSync(`/proc/${server.process.pid}/clear_refs`, '5')

  const until = performance.now() + load.seconds * 1000
  let rounds = 0
  const errors: string[] = []
  do {
    errors.push(...(await scene.round(load)))
    rounds++
  } while (performance.now() < until)

  const peak = mebibytesOf(server, 'VmHWM')
  const after = await settled(server, before)
  const leavings = leftIn(data)
  const { pushes, pulls, jobs } = load
  const of = `pushes=${pushes * rounds} pulls=${pulls * rounds} jobs=${jobs * rounds} rounds=${rounds}`
  const end = `descriptors=${before.descriptors}->${after.descriptors} heap_mib=${before.heapMib}->${after.heapMib}`
  console.log(
    `promise load ${of} errors=${errors.length} rss_mib=${peak} ${end} leavings=${leavings.length}`,
  )
  assert.deepEqual(errors, [])
  assert.deepEqual(await scene.failed(), [])
  assert.ok(peak <= RSS_MAX_MIB, `${peak} MiB`)
  assert.ok(after.descriptors <= before.descriptors + MORE_DESCRIPTORS)
  assert.ok(after.heapMib <= before.heapMib + MORE_HEAP_MIB)
  assert.deepEqual(leavings, [])
  assert.deepEqual(complaintsIn(data), [])
}

async function openScene(t: TestContext, server: Server) {
  const work = folder(t)
  const kaos = cli(work)
  const ok = async (...words: string[]) => {
    const done = await kaos(...words)
    assert.equal(done.code, 0, `kaos ${words.join(' ')}\n${done.stdout}${done.stderr}`)
    return done.stdout
  }
  await ok('init', '-e', server.url)
  await ok('workspace', 'create', '-n', 'load')
  layProgram(work)
  layContent(join(work, 'seed'), 4)
  await ok('data', 'push', 'seed')
  let count = 0

  /** Answers what went wrong. */
  async function tried(...words: string[]): Promise<string[]> {
    const done = await kaos(...words)
    return done.code === 0 ? [] : [`kaos ${words.join(' ')}: ${done.code}\n${done.stderr}`]
  }

  async function push(): Promise<string[]> {
    const name = `set-${++count}`
    layContent(join(work, name), 1)
    const wrong = await tried('data', 'push', name, '--no_cache')
    rmSync(join(work, name), { recursive: true })
    return wrong
  }

  async function pull(): Promise<string[]> {
    const target = `back-${++count}`
    const wrong = await tried('data', 'get', 'seed', target)
    rmSync(join(work, target), { recursive: true, force: true })
    return wrong
  }

  async function train(jobs: number): Promise<string[]> {
    const grid = `grid-${++count}.json`
    const points = Array.from({ length: jobs }, (_, n) => n)
    writeFileSync(join(work, grid), JSON.stringify({ [`of-${count}`]: points }))
    const bundles = ['-s', 'code', '-d', 'data', '-h', grid]
    const deployed = await tried('train', 'deploy', ...bundles, '-p', String(jobs), '--again')
    return deployed
  }

  async function openJobs(): Promise<number> {
    const { training } = JSON.parse(await ok('train', 'list', '--json'))
    return training.filter(({ state }: Row) => OPEN.has(state)).length
  }

  return {
    async round({ pushes, pulls, jobs }: Omit<Load, 'seconds'>): Promise<string[]> {
      const grids = Array.from({ length: Math.ceil(jobs / GRID) }, (_, n) =>
        train(Math.min(GRID, jobs - n * GRID)),
      )
      const sent = Array.from({ length: pushes }, push)
      const got = Array.from({ length: pulls }, pull)
      const wrong = (await Promise.all([...grids, ...sent, ...got])).flat()
      while ((await openJobs()) > 0) await sleep(1000)
      return wrong
    },
    async failed(): Promise<Row[]> {
      const { training } = JSON.parse(await ok('train', 'list', '--json'))
      return training.filter(({ state }: Row) => state !== 'JOB_SUCCESS')
    },
  }
}

interface Row {
  jobId: string
  state: string
}
const OPEN = new Set(['JOB_STARTING', 'JOB_RUNNING', 'JOB_MERGING'])

function layProgram(work: string): void {
  const model = join(work, 'code', 'steps', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'numbers'), { recursive: true })
  writeFileSync(join(work, 'data', 'numbers', 'one.txt'), '1\n')
  writeFileSync(join(work, 'code', 'steps', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(
    join(model, 'train'),
    '#!/bin/sh\nmkdir -p "$1/model"\necho done > "$1/model/out"\n',
  )
  chmodSync(join(model, 'train'), 0o755)
}

function layContent(target: string, mebibytes: number): void {
  mkdirSync(target, { recursive: true })
  for (let n = 0; n < 16; n++) {
    writeFileSync(join(target, `part-${n}`), randomBytes((mebibytes * 1024 * 1024) / 16))
  }
}

interface Figures {
  readonly descriptors: number
  readonly heapMib: number
}

async function figuresOf({ url }: Server): Promise<Figures> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  const heap = value('nodejs_heap_size_used_bytes') + value('nodejs_external_memory_bytes')
  return { descriptors: value('process_open_fds'), heapMib: Math.round(heap / 1024 / 1024) }
}

/** The figures once they are back to where they were, or as they are after a while. */
async function settled(server: Server, before: Figures): Promise<Figures> {
  for (let second = 0; ; second++) {
    const now = await figuresOf(server)
    const back =
      now.descriptors <= before.descriptors + MORE_DESCRIPTORS &&
      now.heapMib <= before.heapMib + MORE_HEAP_MIB
    if (back || second > SETTLE_S) return now
    await sleep(1000)
  }
}

/** What attempts and uploads should have taken away with them. */
function leftIn(data: string): string[] {
  const passing = /(^|\/)(attempts|tmp|incoming)\/.|\.(tmp|part)$/
  return readdirSync(data, { recursive: true })
    .map(String)
    .filter(path => passing.test(path))
}

/** Lines of the server's log that are no good news. */
function complaintsIn(data: string): string[] {
  const lines = readFileSync(join(data, 'logs', 'server.log'), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.filter(line => ['warn', 'error'].includes(JSON.parse(line).level))
}

function mebibytesOf({ process: { pid } }: Server, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024)
}
