import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { render, svgToPdf, trainDot } from '../../../graph/drawing/drawing.ts'
import { readPdf } from './pdf-text.ts'
import { COMMIT, denseDot, GRID, TRAIN } from './samples.ts'

/** Worker threads that still keep this process alive. */
function workers(): number {
  return process.getActiveResourcesInfo().filter(name => /worker|messageport/i.test(name)).length
}

describe('rendering DOT', () => {
  test('gives an SVG with all texts', async () => {
    const svg = await render(trainDot(GRID))

    assert.match(svg, /^<\?xml/)
    for (const text of ['/mnist:e23a2', COMMIT.hyper, 'Trained model with']) {
      assert.ok(svg.includes(text), text)
    }
  })

  test('gives the same SVG every time, also when several are drawn at once', async () => {
    const dot = trainDot(TRAIN)

    const drawings = await Promise.all(Array.from({ length: 5 }, () => render(dot)))

    assert.equal(new Set(drawings).size, 1)
  })

  test('answers a graph that is too dense with a plain drawing that says so', async () => {
    const svg = await render(denseDot(500), { deadlineMs: 200 })
    const { text } = readPdf(await svgToPdf(svg))

    assert.match(svg, /class="plain"/)
    assert.match(text, /^Plain drawing without Graphviz: the layout was not finished after 200 ms/)
    assert.match(text, /1000 of 6000 edges are not drawn/)
    for (const node of ['n0', 'n250', 'n499']) assert.ok(text.includes(`${node}\n`), node)
    assert.ok(text.endsWith('all of it\n'))
  })

  test('leaves no thread behind, neither after an answer nor after the deadline', async () => {
    const before = workers()

    await render(trainDot(TRAIN))
    await render(denseDot(500), { deadlineMs: 50 })

    assert.equal(workers(), before)
  })

  test('shows paths, commits and caption in the plain drawing too', async () => {
    const svg = await render(trainDot(GRID), { deadlineMs: 0 })
    const { text } = readPdf(await svgToPdf(svg))

    assert.match(svg, /class="plain"/)
    for (const words of [
      'hyper-mnist',
      '/features:9fd9d',
      COMMIT.data,
      'Trained model with kaos',
    ]) {
      assert.ok(text.includes(`${words}\n`), words)
    }
  })

  test('draws a ring plainly as well', async () => {
    const svg = await render('digraph { a -> b -> c -> a; a -> a }', { deadlineMs: 0 })

    assert.equal(svg.match(/<ellipse/g)?.length, 3)
  })

  test('refuses what is no DOT', async () => {
    for (const dot of ['digraph { a -> ', 'hello', 'digraph { a [label=<b> }', '']) {
      await assert.rejects(render(dot), { code: 'BAD_REQUEST' }, dot)
    }
  })

  test('stops when it is no longer wanted', async () => {
    const abort = new AbortController()

    const drawing = render(denseDot(500), { deadlineMs: 60_000, signal: abort.signal })
    abort.abort()

    await assert.rejects(drawing, { name: 'AbortError' })
    await assert.rejects(render('digraph { a }', { signal: abort.signal }), {
      name: 'AbortError',
    })
  })
})
