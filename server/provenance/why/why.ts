/* Why two models differ: the inputs that do, and in each of them what. */
import { KaosError } from '../../../api/errors.ts'
import type { Changed, MetricDelta, WhyView } from '../../../api/wire.ts'
import type { Json, Node } from '../../../graph/ledger.ts'
import type { Board } from '../../jobs/board.ts'
import type { Metrics } from '../../jobs/records.ts'
import type { Parts, Workspace } from '../../parts.ts'
import { findThing } from '../find.ts'
import { nameOf, shownNode } from '../names.ts'
import { compared, type Pair } from './compare.ts'
import { codeChanges, folderDifference } from './folders.ts'
import { type Making, makingOf } from './inputs.ts'

/** Things with files that people make: others differ in ways that tell nobody anything. */
const TEXTS = new Set(['source'])
const FOLDERS = new Set(['data', 'model'])

export async function whyView(
  board: Board,
  workspace: Workspace,
  question: { readonly a: string; readonly b: string },
): Promise<WhyView> {
  const { parts } = board
  const [a, b] = [
    await madeThing(board, workspace, question.a),
    await madeThing(board, workspace, question.b),
  ]
  const [one, other] = [await makingOf(parts, a), await makingOf(parts, b)]
  const comparison = await compared(parts, { node: a, making: one }, { node: b, making: other })
  return {
    a: await shownNode(parts, a),
    b: await shownNode(parts, b),
    same: a.digest === b.digest,
    inputs: comparison.inputs,
    equal: comparison.equal,
    code: await codeOf(parts, comparison.pairs),
    data: await dataOf(parts, comparison.pairs),
    ...environments(one, other),
    hyperparams: changedIn(
      texts(new Map(Object.entries(one.hyperparams ?? {}))),
      texts(new Map(Object.entries(other.hyperparams ?? {}))),
    ),
    metrics: deltas(metricsOf(a), metricsOf(b)),
  }
}

async function madeThing(board: Board, workspace: Workspace, id: string): Promise<Node> {
  const node = await findThing({ board, workspace }, id)
  if (node.class === 'entity' && node.digest !== undefined) return node
  const what = `${id} is a ${node.kind}`
  throw new KaosError('BAD_REQUEST', `${what}; name two models, or two data sets, to compare them`)
}

async function codeOf(parts: Parts, pairs: readonly Pair[]): Promise<WhyView['code']> {
  return Promise.all(
    pairs
      .filter(({ a, b }) => TEXTS.has(a.kind) && TEXTS.has(b.kind))
      .map(async ({ role, a, b }) => ({
        role,
        a: await nameOf(parts, a),
        b: await nameOf(parts, b),
        ...(await codeChanges(parts.store, a.digest!, b.digest!)),
      })),
  )
}

async function dataOf(parts: Parts, pairs: readonly Pair[]): Promise<WhyView['data']> {
  return Promise.all(
    pairs
      .filter(({ a, b }) => FOLDERS.has(a.kind) && a.kind === b.kind)
      .map(async ({ role, a, b }) => ({
        role,
        a: await nameOf(parts, a),
        b: await nameOf(parts, b),
        ...(await folderDifference(parts.store, a.digest!, b.digest!)),
      })),
  )
}

function environments(a: Making, b: Making): Pick<WhyView, 'packages' | 'environment'> {
  const none = new Map<string, string>()
  const { packages: before = none, facts: old = none } = a.surroundings ?? {}
  const { packages: after = none, facts: now = none } = b.surroundings ?? {}
  return { packages: changedIn(before, after), environment: changedIn(old, now) }
}

/** What is not equal on both sides, by name. */
export function changedIn(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): Changed[] {
  const names = [...new Set([...a.keys(), ...b.keys()])].sort()
  return names
    .filter(name => a.get(name) !== b.get(name))
    .map(name => ({ name, a: a.get(name) ?? null, b: b.get(name) ?? null }))
}

function texts(values: ReadonlyMap<string, Json>): Map<string, string> {
  return new Map([...values].map(([name, value]) => [name, JSON.stringify(value)]))
}

function metricsOf({ attributes }: Node): Metrics {
  return (attributes.metrics ?? {}) as Metrics
}

export function deltas(a: Metrics, b: Metrics): MetricDelta[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return names
    .filter(name => a[name] !== b[name])
    .map(name => {
      const [one, other] = [a[name] ?? null, b[name] ?? null]
      const numbers = typeof one === 'number' && typeof other === 'number'
      return { name, a: one, b: other, delta: numbers ? other - one : null }
    })
}
