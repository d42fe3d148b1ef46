import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { numberText, Series } from '../../../cli/watching/curves.ts'

function seriesOf(values: readonly number[]): Series {
  const series = new Series()
  for (const value of values) series.add(value)
  return series
}

describe('a curve', () => {
  it('goes from the lowest to the highest value', () => {
    assert.equal(seriesOf([0, 1, 2, 3, 4, 5, 6, 7]).curve(20), '▁▂▃▄▅▆▇█')
    assert.equal(seriesOf([7, 0]).curve(20), '█▁')
  })

  it('is flat where nothing changes, and empty where there is nothing', () => {
    assert.equal(seriesOf([3, 3, 3]).curve(20), '▁▁▁')
    assert.equal(seriesOf([]).curve(20), '')
  })

  it('fits, however many values there were', () => {
    const property = fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 })), all => {
      const series = seriesOf(all)
      assert.ok([...series.curve(8)].length <= 8)
      if (all.length === 0) return
      assert.equal(series.last, all.at(-1))
      assert.equal(series.min, Math.min(...all))
      assert.equal(series.max, Math.max(...all))
    })
    fc.assert(property)
    const long = seriesOf(Array.from({ length: 100_000 }, (_, at) => at))
    assert.equal(long.curve(8), '▁▂▃▄▅▆▇█')
    assert.equal(long.count, 100_000)
  })
})

describe('a number', () => {
  it('is short', () => {
    assert.deepEqual([3, 0.41234, 1e-7, 123456789.5, -2.5].map(numberText), [
      '3',
      '0.4123',
      '1.00e-7',
      '1.23e+8',
      '-2.500',
    ])
  })
})
