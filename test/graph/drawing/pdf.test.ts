import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { render, serveDot, svgToPdf, trainDot } from '../../../graph/drawing/drawing.ts'
import { readPdf } from './pdf-text.ts'
import { COMMIT, GRID, SERVE, TRAIN } from './samples.ts'

const AT = new Date('2019-07-29T13:20:22Z')

describe('the PDF of a drawing', () => {
  test('holds every text of an endpoint as text', async () => {
    const pdf = await svgToPdf(await render(serveDot(SERVE)), { title: 'serve-mnist-ae6466' })
    const { text } = readPdf(pdf)

    const lines = new Set(text.split('\n'))
    const expected = [
      ...['source-train-mnist', 'data-mnist', 'train-mnist', 'serve-mnist-ae6466', 'endpoint'],
      ...['/mnist:e23a2', '/features:9fd9d', 'e23a2_9fd9d:b82151', '/build-serve-mnist:ff06b'],
      ...[COMMIT.source, COMMIT.data, COMMIT.model, COMMIT.serve, COMMIT.service],
      ...['localhost/serve-mnist-ae6466/invocations', 'kaos', '2019-07-29 13:20:22 UTC'],
    ]
    for (const words of expected) assert.ok(lines.has(words), words)
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-')
    assert.match(pdf.toString('latin1'), /\/Title/)
  })

  test('embeds open fonts, and draws the marks of kaos with them', async () => {
    const drawing = { ...TRAIN, author: 'Zoë Ωμέγα мир ✔ ✗ ⨂ 中' }

    const { text, fonts } = readPdf(await svgToPdf(await render(trainDot(drawing))))

    assert.deepEqual(
      new Set(fonts),
      new Set(['DejaVuSerifCondensed', 'DejaVuSerifCondensed-Bold', 'DejaVuSansCondensed']),
    )
    assert.ok(text.replaceAll('\n', '').includes('Zoë Ωμέγα мир ✔ ✗ ⨂ \\u{4E2D}'), text)
  })

  test('is the same, byte for byte, for the same drawing', async () => {
    const svg = await render(trainDot(GRID))

    const [first, second] = [
      await svgToPdf(svg, { title: 'model', at: AT }),
      await svgToPdf(svg, { title: 'model', at: AT }),
    ]

    assert.ok(first.equals(second))
    assert.match(first.toString('latin1'), /D:20190729132022Z/)
  })

  test('keeps links to web pages and no others', async () => {
    const svg = await render(`digraph {
      a [URL="https://kaos.example/runs?a=1&b=2"]
      b [URL="javascript:alert(1)"]
      c [URL="https://kaos.example/runs?a=1&b=2"]
    }`)

    const { links } = readPdf(await svgToPdf(svg))

    assert.deepEqual(links, Array(2).fill('https://kaos.example/runs?a=1&b=2'))
  })

  test('has a page that holds even a text wider than the layout thought', async () => {
    const svg = await render('digraph { a [shape=none label="WWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"] }')
    const [, layout] = /width="(\d+)pt"/.exec(svg)!

    const pdf = await svgToPdf(svg)

    const [, page] = /\/MediaBox \[0 0 ([\d.]+)/.exec(pdf.toString('latin1'))!
    assert.ok(Number(page) > Number(layout))
  })
})
