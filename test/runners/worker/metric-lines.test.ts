import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KEYS_MAX, MetricLines } from '../../../runners/worker/metric-lines.ts'

const NOW = 1_764_489_600_000

function read(text: string, known = 0) {
  const lines = new MetricLines(known)
  const points = [...lines.read(Buffer.from(text), NOW), ...lines.end(NOW)]
  return { points, complaint: lines.complaint }
}

test('an object of numbers is a point for each key', () => {
  const { points, complaint } = read('{"step": 3, "loss": 0.4, "accuracy": 0.9}\n')

  assert.deepEqual(points, [
    { key: 'loss', value: 0.4, step: 3, timestamp: NOW },
    { key: 'accuracy', value: 0.9, step: 3, timestamp: NOW },
  ])
  assert.equal(complaint, undefined)
})

test("a single point in MLflow's words is taken as it is", () => {
  const { points } = read('{"key":"loss","value":2,"step":7,"timestamp":1000}\n')

  assert.deepEqual(points, [{ key: 'loss', value: 2, step: 7, timestamp: 1000 }])
})

test('without a step the points of a key are counted', () => {
  const { points } = read('{"a":1,"b":1}\n{"a":2}\n')

  assert.deepEqual(
    points.map(({ key, step }) => [key, step]),
    [
      ['a', 0],
      ['b', 0],
      ['a', 1],
    ],
  )
})

test('a last line without an end counts', () => {
  assert.deepEqual(read('{"a":1}\n{"a":2}').points.length, 2)
})

test('what is no metric is told once, with its line, and the rest is kept', () => {
  const { points, complaint } = read(
    '{"a":1}\nepoch 2\n[1]\n{"loss": NaN}\n{"a":"text","b":2}\n\n{"a":3,"step":0.5}\n',
  )

  assert.deepEqual(
    points.map(({ key, value }) => [key, value]),
    [
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ],
  )
  assert.equal(complaint, 'line 2 is not JSON, and 4 more like it')
  assert.match(read('{"loss": NaN}\n').complaint ?? '', /line 1 holds NaN, which is no JSON/)
})

test('keys, points and lines have bounds, and whoever goes beyond is told', () => {
  const many = Object.fromEntries(Array.from({ length: KEYS_MAX + 5 }, (_, n) => [`k${n}`, n]))
  const long = `{"a":1,"b":"${'x'.repeat(70_000)}"}`

  const wide = read(`${JSON.stringify(many)}\n`)
  const tall = read(`{"a":1}\n${long}\n{"a":2}\n`)

  assert.equal(wide.points.length, KEYS_MAX)
  assert.match(wide.complaint ?? '', /where there are 250 keys already, and 4 more/)
  assert.deepEqual(
    tall.points.map(({ value }) => value),
    [1, 2],
  )
  assert.match(tall.complaint ?? '', /line 2 is longer than/)
})

test('however it is cut, and wherever a worker begins again, the points are the same', () => {
  const line = fc.oneof(
    fc.record({ loss: fc.integer(), step: fc.nat() }).map(one => JSON.stringify(one)),
    fc.record({ acc: fc.integer() }).map(one => JSON.stringify(one)),
    fc.constantFrom('', 'what?', '{"a":', '{"é":1}'),
  )
  const property = fc.property(
    fc.array(line),
    fc.array(fc.nat(40)),
    fc.nat(20),
    (all, cuts, kept) => {
      const bytes = Buffer.from(all.join('\n'))
      const whole = read(bytes.toString())
      const lines = new MetricLines(kept)
      const points = []
      let at = 0
      for (const cut of cuts) {
        points.push(...lines.read(bytes.subarray(at, at + cut), NOW))
        at += cut
      }
      points.push(...lines.read(bytes.subarray(at), NOW), ...lines.end(NOW))
      assert.deepEqual(points, whole.points.slice(kept))
      assert.equal(lines.complaint, whole.complaint)
    },
  )
  fc.assert(property)
})
