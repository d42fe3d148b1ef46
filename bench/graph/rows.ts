/* The figures as tables. */
import { median, quantile } from '../measure.ts'
import type { Asked, Results } from './run.ts'

type Row = readonly string[]

const RATIO_GOAL = 1.3
const BLOCKED_GOAL_MS = 50
const COMMIT_GOALS = { goal: [3000, 500], moonshot: [10_000, 2000] } as const

export function questionRows(found: readonly Results[]): Row[] {
  const head = [
    'question',
    'back end',
    'nodes',
    'ms',
    'p95',
    'goal',
    'moonshot',
    'by hand',
    'ratio',
  ]
  const rows = found.flatMap(({ engine: { name, column }, asked }) =>
    asked.map(one => {
      const { question, nodes } = one
      const [ours, byHand] = [median(one.ours), median(one.byHand)]
      const [goal, moonshot] = [question.goal[column], question.moonshot[column]]
      const figures = [number(median(nodes), 0), number(ours), number(quantile(one.ours, 0.95))]
      const bars = [`≤ ${goal}`, `≤ ${moonshot}`, number(byHand), number(ours / byHand)]
      const met = verdict(ours <= goal, ours <= moonshot)
      return [question.name, name, ...figures, ...bars, `${met}, ${ratioVerdict(ours / byHand)}`]
    }),
  )
  return [[...head, 'verdict'], ...rows]
}

/** Ten times the graph, the same answer. */
export function growthRows(found: readonly Results[]): Row[] {
  const head = ['ten times the graph', 'back end', 'a tenth ms', 'whole ms', 'times', 'per node']
  const rows = found.flatMap(({ engine, asked, tenth }) =>
    asked.map((one, i) => {
      const before = tenth[i]!
      const times = median(one.ours) / median(before.ours)
      const each = perNode(one) / perNode(before)
      const measured = [number(median(before.ours)), number(median(one.ours)), number(times)]
      const met = verdict(each <= RATIO_GOAL, each <= 1)
      return [one.question.name, engine.name, ...measured, number(each), `≤ ${RATIO_GOAL}`, met]
    }),
  )
  return [[...head, 'goal', 'verdict'], ...rows]
}

/** Targets differ between the graphs, and so do their answers a little. */
function perNode({ ours, nodes }: Asked): number {
  return median(ours) / Math.max(1, median(nodes))
}

export function commitRows(found: readonly Results[]): Row[] {
  const head = [
    'commits of 32 clients',
    'jobs/s',
    'p95 ms',
    'goal',
    'moonshot',
    'by hand',
    'verdict',
  ]
  const rows = found.map(({ engine: { name, column }, commits: { ours, byHand } }) => {
    const [goal, moonshot] = [COMMIT_GOALS.goal[column], COMMIT_GOALS.moonshot[column]]
    const through = column === 1 ? 'Neo4j, through two servers' : name
    return [
      through,
      number(ours.perSecond, 0),
      number(quantile(ours.latencies, 0.95)),
      `≥ ${goal}`,
      `≥ ${moonshot}`,
      number(byHand.perSecond, 0),
      verdict(ours.perSecond >= goal, ours.perSecond >= moonshot),
    ]
  })
  return [head, ...rows]
}

export function blockRows(found: readonly Results[]): Row[] {
  const head = ['walk of a whole hub', 'nodes', 's', 'longest turn ms', 'its CPU ms']
  const rows = found.map(({ engine, walk: { nodes, ms, blockedMs, blockedCpuMs } }) => [
    ...[engine.name, String(nodes), number(ms / 1000), number(blockedMs), number(blockedCpuMs)],
    ...[`≤ ${BLOCKED_GOAL_MS}`, verdict(blockedMs <= BLOCKED_GOAL_MS, false)],
  ])
  return [[...head, 'goal', 'verdict'], ...rows]
}

function verdict(goal: boolean, moonshot: boolean): string {
  return moonshot ? 'moonshot' : goal ? 'pass' : 'miss'
}

function ratioVerdict(ratio: number): string {
  return ratio <= RATIO_GOAL ? 'ratio pass' : 'ratio miss'
}

function number(value: number, digits = value >= 100 ? 0 : value >= 10 ? 1 : 2): string {
  return value.toFixed(digits)
}
