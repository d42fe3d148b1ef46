/* One back end, from an empty place to its figures. */
import type { CommitRun } from './commits.ts'
import type { Engine, Opened } from './engines.ts'
import { type Question, questionsOver } from './questions.ts'
import type { Settings } from './settings.ts'
import type { Walk } from './walker.ts'

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
    const walk = await engine.walk()
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

/** Targets asked before it counts: servers run for long, so what is compiled late is compiled by then. */
const WARM = 20

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
