import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serveDot, trainDot } from '../../../graph/drawing/drawing.ts'
import { COMMIT, GRID, SERVE, TRAIN, UNTRAINED } from './samples.ts'

const CYLINDER = 'shape=cylinder style=filled fillcolor=lightgrey color=slategrey fontsize=12'

/** `1 source-train-mnist` for each node, in order of appearance. */
function nodesOf(dot: string): string[] {
  return [...dot.matchAll(/^ {2}(\d+) \[label="([^"]*)"/gm)].map(match => `${match[1]} ${match[2]}`)
}

/** `1 -> 2 /mnist:e23a2 1ed80…` for each edge. */
function edgesOf(dot: string): string[] {
  return dot
    .split('\n')
    .filter(line => line.includes('->'))
    .map(line => {
      const texts = [...line.matchAll(/label=" *([^"]*?) *"/g)].map(match => match[1])
      return [/\d+ -> \d+/.exec(line)?.[0], ...texts].join(' ')
    })
}

describe('the drawing of a model', () => {
  test('has the six boxes of the original, by its numbers', () => {
    const dot = trainDot(TRAIN)

    assert.deepEqual(nodesOf(dot), [
      '1 source-train-mnist',
      '2 build-train-mnist',
      '3 build-train-mnist',
      '4 data-mnist',
      '5 train-mnist',
      '6 train-mnist',
    ])
  })

  test('draws repositories as grey cylinders and processes as eggs', () => {
    const lines = trainDot(GRID).split('\n')

    const shapeOf = (id: number) => lines.find(line => line.startsWith(`  ${id} [`)) ?? ''
    for (const id of [1, 3, 4, 6, 100]) assert.ok(shapeOf(id).includes(CYLINDER), `node ${id}`)
    for (const id of [2, 5]) assert.match(shapeOf(id), /shape=egg fontsize=12/)
  })

  test('says on each edge what was used and which commit of it', () => {
    const dot = trainDot(TRAIN)

    assert.deepEqual(edgesOf(dot), [
      `1 -> 2 /mnist:e23a2 ${COMMIT.source}`,
      '2 -> 3',
      `4 -> 5 /features:9fd9d ${COMMIT.data}`,
      `3 -> 5 /build-train-mnist:e23a2 ${COMMIT.image}`,
      '5 -> 6',
    ])
    assert.equal(dot.match(/fontsize=8 fontcolor=red labelfontcolor=blue/g)?.length, 3)
  })

  test('keeps at least four blanks round the text of an edge', () => {
    const dot = trainDot(TRAIN)

    assert.match(dot, /taillabel=" {4,}\/mnist:e23a2 {4,}"/)
  })

  test('adds the hyperparameters of a grid as a seventh box', () => {
    const dot = trainDot(GRID)

    assert.ok(nodesOf(dot).includes('100 hyper-mnist'))
    const edge = `100 -> 5 /3fbf2/degree=5_kernel=poly_gamma=0.1.json ${COMMIT.hyper}`
    assert.ok(edgesOf(dot).includes(edge))
  })

  test('ends with path, commit, author and the time in UTC', () => {
    const dot = trainDot(TRAIN)

    assert.match(dot, /<font color="blue"><b>\/b82151\/model\/model\.json<\/b><\/font>/)
    assert.match(dot, new RegExp(`<font color="red"><b>${COMMIT.model}</b></font>`))
    assert.match(dot, /<font point-size="14">Trained model with <b>kaos<\/b><\/font>/)
    assert.match(dot, /<font point-size="12">jfriedman<\/font>/)
    assert.match(dot, /<font point-size="12">2019-07-29 13:20:22 UTC<\/font>/)
  })
})

describe('the drawing of an endpoint', () => {
  test('shows the whole training first, then its own making', () => {
    const dot = serveDot(SERVE)

    assert.deepEqual(nodesOf(dot).slice(0, 6), nodesOf(trainDot(TRAIN)))
    assert.deepEqual(nodesOf(dot).slice(6), [
      '7 source-serve-mnist',
      '8 build-serve-mnist',
      '9 build-serve-mnist',
      '10 serve-mnist-ae6466',
      '11 endpoint',
    ])
    assert.deepEqual(edgesOf(dot).slice(5), [
      `6 -> 8 e23a2_9fd9d:b82151 ${COMMIT.model}`,
      `7 -> 8 /mnist:ff06b ${COMMIT.serve}`,
      '8 -> 9',
      `9 -> 10 /build-serve-mnist:ff06b ${COMMIT.service}`,
      '10 -> 11',
    ])
  })

  test('draws the endpoint itself as a red egg', () => {
    const dot = serveDot(SERVE)

    const look = 'shape=egg style=filled fillcolor=indianred2 color=black fontsize=12'
    assert.ok(dot.includes(`11 [label="endpoint" ${look}`))
  })

  test('ends with the address, author and time', () => {
    const dot = serveDot(SERVE)

    assert.match(dot, /<font color="blue"><b>localhost\/serve-mnist-ae6466\/invocations<\/b>/)
    assert.match(dot, /Served model with <b>kaos<\/b>/)
    assert.doesNotMatch(dot, /Trained model/)
  })

  test('shows only what was built when it was deployed without a model', () => {
    const dot = serveDot(UNTRAINED)

    assert.deepEqual(
      nodesOf(dot).map(node => node.split(' ')[0]),
      ['7', '8', '9', '10', '11'],
    )
    assert.deepEqual(edgesOf(dot)[0], `7 -> 8 /mnist:ff06b ${COMMIT.serve}`)
  })

  test('shows the model alone when its training is not known', () => {
    const dot = serveDot({ ...UNTRAINED, model: { path: 'a_b:c', commit: COMMIT.model } })

    assert.equal(nodesOf(dot)[0], '6 train-mnist')
    assert.ok(edgesOf(dot).includes(`6 -> 8 a_b:c ${COMMIT.model}`))
  })
})
