import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Experiment, ProvenanceView, ProvNode, WhyView } from '../../api/wire.ts'
import { experimentLines } from '../../cli/experiment-tree.ts'
import { whyText } from '../../cli/provenance-texts.ts'
import { treeLines } from '../../cli/provenance-tree.ts'
import { localTime } from '../../cli/times.ts'

const AT = '2026-01-01T12:00:00.000Z'
const WHEN = localTime(AT)

function node(id: string, kind: string, more: Partial<ProvNode> = {}): ProvNode {
  const is = ['trial', 'train', 'import'].includes(kind) ? 'activity' : 'entity'
  return { id, class: is, kind, name: id, digest: null, at: AT, author: 'jo', state: null, ...more }
}

function view(
  nodes: ProvNode[],
  edges: [string, string, string][],
  direction: 'up' | 'down' = 'up',
): ProvenanceView {
  return {
    of: nodes[0]!.id,
    direction,
    asOf: null,
    nodes,
    edges: edges.map(([from, to, role]) => ({ from, relation: 'used', to, role: role || null })),
    truncated: false,
  }
}

describe('the tree of a history', () => {
  it('has each thing once, with who and when, and only names where it comes up again', () => {
    const nodes = [
      node('m', 'model', { name: 'best@v1', metrics: { accuracy: 0.9 } }),
      node('t', 'trial', { name: 'b82151', state: 'JOB_FAILURE' }),
      node('d', 'data', { name: 'features@v2', quarantined: 'wrong labels' }),
      node('s', 'source', { name: 'mnist:e23a2' }),
    ]

    const lines = treeLines(
      view(nodes, [
        ['m', 't', ''],
        ['t', 's', 'code'],
        ['t', 'd', 'samples'],
        ['d', 's', ''],
      ]),
      10,
    )

    assert.deepEqual(lines, [
      `model best@v1 accuracy=0.9 (jo, ${WHEN})`,
      `└─ trial b82151 JOB_FAILURE (jo, ${WHEN})`,
      `   ├─ source mnist:e23a2 (jo, ${WHEN})`,
      `   └─ data features@v2 as samples (jo, ${WHEN}) QUARANTINED: wrong labels`,
      '      └─ see above: source mnist:e23a2',
    ])
  })

  it('shows the first of many alike and counts the others', () => {
    const trials = Array.from({ length: 25 }, (_, i) => node(`t${i}`, 'trial', { name: `t${i}` }))
    const edges = trials.map((one): [string, string, string] => [one.id, 'd', 'data'])

    const lines = treeLines(view([node('d', 'data'), ...trials], edges, 'down'), 3)

    assert.equal(lines.length, 5)
    assert.equal(lines.at(-1), '└─ … 22 more trials')
  })

  it('lets no control character through', () => {
    const lines = treeLines(view([node('x', 'model', { name: 'a\x1b[31mb' })], []), 10)

    assert.equal(lines[0], `model a\u{FFFD}[31mb (jo, ${WHEN})`)
  })

  it('ends in a ring as well', () => {
    const nodes = [node('a', 'data', { name: 'A' }), node('b', 'data', { name: 'B' })]

    const lines = treeLines(
      view(nodes, [
        ['a', 'b', ''],
        ['b', 'a', ''],
      ]),
      10,
    )

    assert.deepEqual(lines.slice(1), [`└─ data B (jo, ${WHEN})`, '   └─ see above: data A'])
  })
})

function experiment(
  job: string,
  parent: string | null,
  more: Partial<Experiment> = {},
): Experiment {
  return {
    job,
    at: AT,
    author: 'jo',
    state: 'JOB_SUCCESS',
    code: 'mnist:e23a2',
    data: 'features@v1',
    grid: null,
    trials: 1,
    best: null,
    parent,
    link: parent === null ? null : 'said',
    differs: [],
    ...more,
  }
}

describe('the tree of experiments', () => {
  it('puts each below what it came from, dotted where nobody said so, with what differs', () => {
    const differs = [
      { name: 'code', a: 'mnist:e23a2', b: 'mnist:ff001' },
      { name: 'hyperparams', a: null, b: '3fbf2' },
    ]
    const experiments = [
      experiment('one', null, { best: 0.91234567 }),
      experiment('two', 'one', { differs, grid: '3fbf2', trials: 9 }),
      experiment('three', 'two', { link: 'alike' }),
      experiment('four', 'one'),
    ]

    const lines = experimentLines({ experiments, truncated: false }, 'two')

    const base = `${WHEN}  jo  JOB_SUCCESS  mnist:e23a2 features@v1`
    assert.deepEqual(lines, [
      `one  ${base}  best 0.912346`,
      `├─ two  ${base} 3fbf2  9 trials *`,
      '│  │    code mnist:e23a2 → mnist:ff001; hyperparams 3fbf2 added',
      `│  └┄ three  ${base}`,
      `└─ four  ${base}`,
    ])
  })
})

describe('why two models differ', () => {
  const nothing: WhyView = {
    a: node('a', 'model'),
    b: node('b', 'model'),
    same: false,
    inputs: [],
    equal: [],
    code: [],
    data: [],
    packages: [],
    environment: [],
    hyperparams: [],
    metrics: [],
  }

  it('says so when no input does', () => {
    assert.match(whyText(nothing), /No input differs: what is different came by chance/)
    assert.match(whyText({ ...nothing, same: true }), /Both are the same bytes/)
  })

  it('lists inputs, texts, files, values and metrics', () => {
    const text = whyText({
      ...nothing,
      inputs: [
        { role: 'data', a: 'x@v1', b: 'x@v2', through: ['from'] },
        { role: 'image', a: 'i', b: 'j', note: 'it was built anew', through: [] },
      ],
      equal: ['code', 'runner'],
      code: [
        {
          role: 'code',
          a: 'm:1',
          b: 'm:2',
          files: [
            {
              path: 'f',
              change: 'changed',
              before: 1,
              after: 2,
              diff: '--- a/f\n+++ b/f\n\x1b-x\n',
            },
            { path: 'g', change: 'added', before: null, after: 3, diff: null },
          ],
          truncated: false,
        },
      ],
      packages: [{ name: 'numpy', a: '1', b: null }],
      metrics: [{ name: 'loss', a: 0.5, b: 0.25, delta: -0.25 }],
    })

    for (const part of [
      '  data: x@v1 → x@v2, through from\n',
      '  image: i → j (it was built anew)\n',
      'The same in both: code, runner\n',
      '--- a/f\n+++ b/f\n\u{FFFD}-x\n  + g (3 B)\n',
      'Packages\n  numpy: 1 → none\n',
      'Metrics\n  loss: 0.5 → 0.25 (-0.25)\n',
    ]) {
      assert.ok(text.includes(part), part)
    }
  })
})
