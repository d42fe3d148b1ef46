import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  collapsed,
  lineageDot,
  type Picture,
  render,
  svgToPdf,
} from '../../../graph/drawing/drawing.ts'
import { branchOf, chainOf, gridOf, hubOf, type Large, tangleOf } from './large.ts'

function pictureOf({ graph, start, direction }: Large): Picture {
  return collapsed(graph, start, direction)
}

function dotOf(large: Large): string {
  const { graph, start, direction } = large
  const picture = pictureOf(large)
  const names = new Map(picture.boxes.map(({ node }) => [node.id, node.name ?? node.id]))
  const things = graph.nodes.length - 1
  return lineageDot({ picture, start, direction, names, things, truncated: false })
}

const counts = ({ boxes }: Picture) =>
  boxes
    .filter(box => box.count > 1)
    .map(box => `${box.node.kind} ${box.count}`)
    .sort()

describe('a large graph in few boxes', () => {
  it('puts the trials of a grid into one box each for what became of them', () => {
    const picture = pictureOf(gridOf(100))

    assert.deepEqual(counts(picture), ['model 5', 'model 94', 'trial 5', 'trial 94'])
    const kinds = picture.boxes.map(box => box.node.kind)
    for (const kind of ['log', 'train', 'user']) assert.ok(!kinds.includes(kind), kind)
    assert.equal(picture.beyond.count, 0)
  })

  it('draws the near end of a long chain and says how much lies beyond', () => {
    const large = chainOf(50)
    const picture = pictureOf(large)

    const drawn = picture.boxes.reduce((sum, box) => sum + box.count, 0)
    assert.ok(picture.boxes.length <= 40)
    assert.ok(picture.boxes.length > 10)
    assert.ok(picture.beyond.count > 50)
    assert.ok(drawn + picture.beyond.count <= large.graph.nodes.length)
    assert.match(dotOf(large), /"\d+ more, further away"/)
    assert.match(dotOf(large), /0 -> \d+ \[style=dashed\]/)
  })

  it('holds a hub with thousands of descendants', () => {
    const large = hubOf(700)
    const picture = pictureOf(large)

    assert.ok(large.graph.nodes.length > 5000)
    assert.ok(picture.boxes.length < 20)
    assert.ok(counts(picture).includes('model 1092'))
  })

  it('counts by distance where no two things are alike, with arrows one way', () => {
    const picture = pictureOf(tangleOf(2000))

    assert.ok(picture.boxes.length <= 40)
    const total = picture.boxes.reduce((sum, box) => sum + box.count, picture.beyond.count)
    assert.equal(total, 2000)
    const ways = new Set(picture.arrows.map(({ from, to }) => `${from} ${to}`))
    assert.ok(picture.arrows.every(({ from, to }) => !ways.has(`${to} ${from}`)))
  })

  it('keeps jobs that came from one another, since their trials do not tell of that', () => {
    const picture = pictureOf(branchOf())

    const kinds = picture.boxes.map(box => box.node.kind).sort()
    assert.deepEqual(kinds, ['data', 'model', 'model', 'train', 'train', 'trial', 'trial'])
    assert.equal(picture.beyond.count, 0)
  })

  it('always keeps what was asked about as a box of its own', () => {
    for (const large of [gridOf(3), chainOf(3), hubOf(3), tangleOf(3)]) {
      const own = pictureOf(large).boxes.find(box => box.id === large.start)
      assert.equal(own?.count, 1)
    }
  })

  it('is drawn by Graphviz, not by the plain drawing of last resort', async () => {
    for (const large of [gridOf(100), chainOf(50), hubOf(700), tangleOf(2000)]) {
      const svg = await render(dotOf(large))
      const pdf = await svgToPdf(svg)

      assert.doesNotMatch(svg, /class="plain"/)
      assert.equal(pdf.subarray(0, 5).toString(), '%PDF-')
    }
  })

  it('shows names as text, whatever they hold', () => {
    const { graph, start, direction } = gridOf(2)
    const picture = collapsed(graph, start, direction)
    const names = new Map([[start, '"]; a -> b\\ <i>']])

    const dot = lineageDot({ picture, start, direction, names, things: 1, truncated: true })

    assert.ok(dot.includes('source \\"]; a -> b\\\\ <i>'))
    assert.ok(dot.includes('&quot;]; a -&gt; b\\\\ &lt;i&gt;'))
  })
})
