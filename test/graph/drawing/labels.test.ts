import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readDot } from '../../../graph/drawing/dot-reader.ts'
import { render, serveDot, svgToPdf, trainDot } from '../../../graph/drawing/drawing.ts'
import { BODY, widthOf } from '../../../graph/drawing/fonts.ts'
import { linesOf, padded, printable } from '../../../graph/drawing/labels.ts'
import { laidOutWidth } from '../../../graph/drawing/times.ts'
import { readPdf } from './pdf-text.ts'
import { HOSTILE, SERVE, TRAIN } from './samples.ts'

describe('names in a drawing', () => {
  test('stay as they are in Latin, Greek and Cyrillic, and with the marks of kaos', () => {
    const names = ['größe-Łódź', 'Ωμέγα', 'модель', '✔ ✗ ⨂', 'e23a2_9fd9d:b82151']

    assert.deepEqual(names.map(printable), names)
  })

  test('show what the fonts lack, and what cannot be seen, as code points', () => {
    assert.equal(printable('中文'), '\\u{4E2D}\\u{6587}')
    assert.equal(printable('a🦄'), 'a\\u{1F984}')
    assert.equal(printable('a\nb\u202ec\ud800'), 'a\\u{A}b\\u{202E}c\\u{D800}')
  })

  test('are broken into lines when they are long, without losing a letter', () => {
    const path = `/3fbf2/${Array.from({ length: 20 }, (_, i) => `rate${i}=0.${i}`).join('_')}.json`

    const lines = linesOf(path)

    assert.ok(lines.length > 1)
    assert.ok(lines.every(line => line.length <= 56))
    assert.equal(lines.join(''), path)
    assert.ok(lines.slice(0, -1).every(line => /[/_=]$/.test(line)))
  })

  test('have at least the room in the layout that the drawn letters need', () => {
    for (const name of ['1ed80bcad9a6465db67652255f904377', 'WWWWWWWW', 'модель', 'iiii']) {
      assert.ok(laidOutWidth(padded(name, 8), 8) >= widthOf(name, BODY, 8), name)
    }
  })

  test('come out of the DOT as they went in, whatever they are', () => {
    const names = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE))
    fc.assert(
      fc.property(names, names, (workspace, path) => {
        const graph = readDot(
          trainDot({ ...TRAIN, workspace, source: { path, commit: TRAIN.source.commit } }),
        )

        const shown = (text: string) => printable(text).replaceAll(' ', '')
        const label = graph.nodes[0]!.label.join('').replaceAll(' ', '')
        const tail = graph.edges[0]!.tail.join('').replaceAll(' ', '')
        return (
          graph.nodes.length === 6 &&
          graph.edges.length === 5 &&
          label === shown(`source-train-${workspace}`) &&
          tail === shown(path)
        )
      }),
    )
  })

  for (const name of HOSTILE) {
    test(`cannot add anything to the picture: ${JSON.stringify(name)}`, async () => {
      const used = { path: name, commit: name }
      const drawing = { ...SERVE, workspace: name, endpoint: name, url: name, author: name }
      const model = { ...used, id: name }
      const train = { ...TRAIN, workspace: name, source: used, model, author: name }
      const dot = serveDot({ ...drawing, train, source: used })

      const svg = await render(dot)
      const { text } = readPdf(await svgToPdf(svg))

      assert.equal(svg.match(/class="node"/g)?.length, 11)
      assert.equal(svg.match(/class="edge"/g)?.length, 10)
      assert.ok(text.includes(`source-train-${printable(name)}\n`), text)
      assert.ok(text.includes(`\n${printable(name)}\n2019-07-29 13:20:22 UTC\n`), text)
    })
  }
})
