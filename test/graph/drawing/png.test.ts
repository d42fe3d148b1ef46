import assert from 'node:assert/strict'
import { test } from 'node:test'
import { render, svgToPng, trainDot } from '../../../graph/drawing/drawing.ts'
import { inLines, zoomOf } from '../../../graph/drawing/png.ts'
import { TRAIN } from './samples.ts'

const SIGNATURE = '89504e470d0a1a0a'

test('a drawing becomes a picture of twice its size, with everything in it painted', async () => {
  const svg = await render(trainDot(TRAIN))
  const [, width, height] = /width="([\d.]+)pt" height="([\d.]+)pt"/.exec(svg)!

  const png = await svgToPng(svg)
  const bare = await svgToPng(svg.replaceAll(/<text.*<\/text>/g, ''))

  assert.equal(png.subarray(0, 8).toString('hex'), SIGNATURE)
  for (const [at, points] of [
    [16, width],
    [20, height],
  ] as const) {
    assert.ok(Math.abs(png.readUInt32BE(at) - (Number(points) * 2 * 4) / 3) <= 2)
  }
  // Without a face nothing of the texts would be there.
  assert.ok(png.length > bare.length + 10_000)
})

test('a large drawing becomes a picture that still has an end', () => {
  const [small, large] = [100, 20_000].map(points =>
    zoomOf(`<svg width="${points}pt" height="${points}pt"`),
  )

  assert.equal(small, 2)
  assert.ok(large! < 0.1)
})

test('the pieces of a line follow each other, and lines stay apart', () => {
  const piece = (x: number, y: number, text: string, style = '') =>
    `<text text-anchor="start" x="${x}" y="${y}" font-size="16.00"${style}>${text}</text>\n`
  const bold = ' font-weight="bold"'

  const joined = inLines(
    piece(1, 5, 'with ') + piece(9, 5, 'kaos', bold) + piece(2, 7, 'later') + piece(3, 8, 'last'),
  )

  assert.equal(
    joined,
    '<text text-anchor="start" x="1" y="5"><tspan font-size="16.00">with </tspan>' +
      '<tspan font-size="16.00" font-weight="bold">kaos</tspan></text>\n' +
      '<text text-anchor="start" x="2" y="7"><tspan font-size="16.00">later</tspan></text>\n' +
      '<text text-anchor="start" x="3" y="8"><tspan font-size="16.00">last</tspan></text>\n',
  )
})

test('what is no SVG is refused with what to do instead', async () => {
  await assert.rejects(svgToPng('<nothing'), { message: /ask for --format svg or pdf/ })
})
