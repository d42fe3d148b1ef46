/* One back end, from an empty place to its figures. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommitRun } from './commits.ts'
import type { Engine, Opened } from './engines.ts'
import { type Question, questionsOver } from './questions.ts'
import type { Settings } from './settings.ts'

/** Milliseconds, a value for each target. */
export interface Asked {
  readonly question: Question
  readonly ours: number[]
  readonly byHand: number[]
  /** Nodes of the answers, a value for each target. */
  readonly nodes: number[]
}

export interface Results {
  readonly engine: Engine
  readonly asked: Asked[]
  /** The same questions of a tenth of the graph. */
  readonly tenth: Asked[]
  readonly commits: { readonly ours: CommitRun; readonly byHand: CommitRun }
  readonly walk: Walk
}

/** All descendants of a hub. */
export interface Walk {
  readonly nodes: number
  readonly ms: number
  /** The longest turn of the event loop meanwhile, ms: by the clock, and of CPU. On a busy machine the
   * first counts also what others had the core for. */
  readonly blockedMs: number
  readonly blockedCpuMs: number
}

export async function measure(
  engine: Engine,
  tenth: Engine,
  { targets, seconds }: Pick<Settings, 'targets' | 'seconds'>,
): Promise<Results> {
  await madeSure(engine, `${engine.name}: loading`)
  await madeSure(tenth, `${engine.name}: loading a tenth`)
  const [opened, small] = [await engine.open(), await tenth.open()]
  try {
    const [asked, beside] = await askBoth(targets, [engine, opened], [tenth, small])
    const walk = await walkHub(engine, opened)
    const commits = await timed(`${engine.name}: commits`, () => engine.commits(seconds))
    return { engine, asked, tenth: beside, commits, walk }
  } finally {
    await opened.close()
    await small.close()
  }
}

async function madeSure(engine: Engine, what: string): Promise<void> {
  if (await engine.isThere()) return console.log(`${what}: there from an earlier run`)
  await engine.remove()
  await timed(what, () => engine.load())
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await work()
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return result
}

/** Targets asked before it counts. */
const WARM = 5

/** Both graphs take turns, and so do the ledger and the engine by hand, target by target. */
async function askBoth(
  targets: number,
  ...graphs: readonly (readonly [Engine, Opened])[]
): Promise<readonly [Asked[], Asked[]]> {
  const all = graphs.map(([engine, opened]) => ({
    opened,
    asked: questionsOver(engine.made, targets).map((question): Asked => {
      return { question, ours: [], byHand: [], nodes: [] }
    }),
  }))
  const [whole, tenth] = all as [(typeof all)[number], (typeof all)[number]]
  for (const [place, { question }] of whole.asked.entries()) {
    for (const round of ['warm', 'counted'] as const) {
      const times = round === 'warm' ? WARM : question.targets.length
      for (let i = 0; i < times; i++) {
        for (const { opened, asked } of [whole, tenth]) {
          await askOne(opened, asked[place]!, i, round === 'counted')
        }
      }
    }
    console.log(`asked: ${question.name}`)
  }
  return [whole.asked, tenth.asked]
}

async function askOne(opened: Opened, asked: Asked, i: number, counted: boolean): Promise<void> {
  const { question, ours, byHand, nodes } = asked
  const target = question.targets[i % question.targets.length]!
  const run = async (asker: Opened['ours'], times: number[]) => {
    const start = performance.now()
    const found = await asker(target, question.query)
    if (counted) times.push(performance.now() - start)
    return found
  }
  const turns = [() => run(opened.ours, ours), () => run(opened.byHand, byHand)]
  const [first] = await Promise.all([turns[i % 2]!()])
  await turns[(i + 1) % 2]!()
  if (counted) nodes.push(first!)
}

async function walkHub({ made }: Engine, { ledger }: Opened): Promise<Walk> {
  const hub = made.nodes[made.hubs[0]!]!.id
  await sleep(100)
  let last = performance.now()
  let cpu = threadCpuMs()
  let [blockedMs, blockedCpuMs] = [0, 0]
  let over = false
  const look = (): void => {
    const [now, used] = [performance.now(), threadCpuMs()]
    blockedMs = Math.max(blockedMs, now - last)
    blockedCpuMs = Math.max(blockedCpuMs, used - cpu)
    last = now
    cpu = used
  }
  const tick = (): void => {
    look()
    if (!over) setImmediate(tick)
  }
  setImmediate(tick)
  const start = performance.now()
  const { nodes } = await ledger.lineage(hub, { direction: 'down', limit: 1_000_000 })
  const ms = performance.now() - start
  over = true
  look()
  return { nodes: nodes.length, ms, blockedMs, blockedCpuMs }
}

/** CPU time of this thread. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
