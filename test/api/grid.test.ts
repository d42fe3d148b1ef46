import assert from 'node:assert/strict'
import test from 'node:test'
import { gridOfPoint, gridText, parseGrid, pointFile } from '../../api/grid.ts'

function refusal(text: string): { code: string; message: string } {
  try {
    parseGrid(text)
  } catch (error) {
    return error as { code: string; message: string }
  }
  return { code: 'none', message: '' }
}

test('a grid is the product of its lists, the first key varying slowest', () => {
  const grid = parseGrid('{"degree": [4, 5], "kernel": ["poly", "rbf"], "gamma": [0.1]}')

  assert.deepEqual(grid?.points, [
    { degree: 4, kernel: 'poly', gamma: 0.1 },
    { degree: 4, kernel: 'rbf', gamma: 0.1 },
    { degree: 5, kernel: 'poly', gamma: 0.1 },
    { degree: 5, kernel: 'rbf', gamma: 0.1 },
  ])
  assert.deepEqual(grid?.keys, ['degree', 'kernel', 'gamma'])
})

test('the same text has the same hash, and another text another', () => {
  const text = '{"a": [1]}'

  assert.equal(parseGrid(text)?.hash, parseGrid(text)?.hash)
  assert.match(parseGrid(text)?.hash ?? '', /^[0-9a-f]{5}$/)
  assert.notEqual(parseGrid(text)?.hash, parseGrid('{"a":[1]}')?.hash)
})

test('an empty object is no grid', () => {
  assert.equal(parseGrid('{}'), undefined)
})

test('an object without its text is a grid as well', () => {
  assert.deepEqual(parseGrid(gridText({ a: [true, null] }))?.points, [{ a: true }, { a: null }])
})

test('what is no grid is refused, naming the key and what is wrong with it', () => {
  const cases: [string, RegExp][] = [
    ['{"a": [1', /not JSON/],
    ['[1, 2]', /must be a JSON object of lists/],
    ['null', /must be a JSON object of lists/],
    ['{"degree": 5}', /"degree" is the single value 5; it must be a list/],
    ['{"degree": []}', /"degree" is an empty list/],
    ['{"degree": [[1]]}', /"degree" holds a list/],
    ['{"degree": [1, {"a": 1}]}', /"degree" holds an object/],
    ['{"rate": [1e999]}', /"rate" holds a number that is too large/],
  ]

  for (const [text, message] of cases) {
    assert.equal(refusal(text).code, 'INVALID_GRID', text)
    assert.match(refusal(text).message, message)
  }
})

test('more than 10,000 points are refused before they are made', () => {
  const list = JSON.stringify(Array.from({ length: 101 }, (_, index) => index))

  const { code, message } = refusal(`{"a": ${list}, "b": ${list}, "c": ${list}}`)

  assert.equal(code, 'INVALID_GRID')
  assert.match(message, /1030301 points; 10000 is the most/)
})

test('a key named like a part of every object is a key like others', () => {
  const grid = parseGrid('{"__proto__": [1, 2]}')

  assert.deepEqual(Object.entries(grid?.points[1] ?? {}), [['__proto__', 2]])
  assert.equal(pointFile(grid!.points[1]!), '__proto__=2.json')
})

test('the file of a point is named by its keys in the order of the file', () => {
  const grid = parseGrid('{"kernel": ["poly"], "degree": [5], "gamma": [0.1]}')

  assert.equal(pointFile(grid!.points[0]!), 'kernel=poly_degree=5_gamma=0.1.json')
})

test('slashes and control characters do not get into a file name', () => {
  assert.equal(pointFile({ 'a/b': '../c\n' }), 'a%2Fb=..%2Fc%0A.json')
})

test('long names are shortened to 200 bytes and stay different', () => {
  const one = pointFile({ text: `${'ä'.repeat(300)}1` })
  const other = pointFile({ text: `${'ä'.repeat(300)}2` })

  assert.ok(Buffer.byteLength(one) <= 205)
  assert.ok(one.isWellFormed())
  assert.notEqual(one, other)
})

test('a trial reads numbers as they were written', () => {
  const grid = parseGrid('{"lr": [1.0, 1e-3, 5], "id": [12345678901234567890], "k": ["1.0", null]}')

  assert.equal(grid?.texts[0], '{"lr":1.0,"id":12345678901234567890,"k":"1.0"}')
  assert.equal(grid?.texts[3], '{"lr":1e-3,"id":12345678901234567890,"k":null}')
  assert.equal(grid?.texts[4], '{"lr":5,"id":12345678901234567890,"k":"1.0"}')
  assert.equal(grid?.points[0]?.lr, 1)
})

test('a grid of one point keeps what was written, whatever its keys are called', () => {
  assert.equal(gridOfPoint('{"":1.0,"0":"x","a":null}'), '{"0":["x"],"":[1.0],"a":[null]}')
  assert.equal(parseGrid(gridOfPoint('{"lr":1.0}'))?.texts[0], '{"lr":1.0}')
})
