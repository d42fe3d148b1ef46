import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonical, JSON_DEPTH_MAX } from '../../graph/canonical.ts'
import type { Json } from '../../graph/ledger.ts'

test('canonical JSON is that of the example in RFC 8785', () => {
  const text = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`

  const expected = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`

  assert.equal(canonical(JSON.parse(text) as Json), expected)
})

test('canonical JSON orders members by UTF-16 code units, as in RFC 8785', () => {
  const members = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\u{1f600}': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    ö: 'Latin Small Letter O With Diaeresis',
  }

  const values = Object.values(JSON.parse(canonical(members)) as Record<string, string>)

  assert.deepEqual(values, [
    'One',
    'Carriage Return',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ])
})

test('canonical JSON writes numbers as ECMAScript does', () => {
  const cases: [number, string][] = [
    [-0, '0'],
    [5e-324, '5e-324'],
    [-1.7976931348623157e308, '-1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [9.999999999999997e22, '9.999999999999997e+22'],
    [1e23, '1e+23'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
  ]

  for (const [number, text] of cases) assert.equal(canonical(number), text)
})

test('canonical JSON is one text for one value, whatever the order of members', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), value => {
      const text = canonical(value as Json)

      assert.equal(canonical(JSON.parse(text) as Json), text)
      assert.equal(canonical(reversed(value as Json)), text)
      assert.equal(text, canonical(JSON.parse(JSON.stringify(value)) as Json))
    }),
  )
})

test('canonical JSON refuses what JSON can not say', () => {
  const odd: unknown[] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    1n,
    () => 1,
    Symbol('s'),
    new Date(),
    new Map(),
    Buffer.from('a'),
    [undefined],
    { a: undefined },
    '\ud800',
    { '\udfff': 1 },
  ]

  for (const value of odd) {
    assert.throws(() => canonical(value as Json), { code: 'BAD_REQUEST' })
  }
})

test('canonical JSON keeps a bound on depth', () => {
  const nested = (levels: number) => {
    let value: Json = []
    for (let level = 1; level < levels; level++) value = [value]
    return value
  }

  assert.equal(canonical(nested(JSON_DEPTH_MAX)).length, 2 * JSON_DEPTH_MAX)
  assert.throws(() => canonical(nested(JSON_DEPTH_MAX + 1)), { code: 'JSON_TOO_DEEP' })
})

test('a number beyond 2^53 is kept as the double it is', () => {
  for (const number of [2 ** 53, -(2 ** 60), 1e20, 1e21, 1.7976931348623157e308]) {
    assert.equal(JSON.parse(canonical([number]))[0], number)
  }
})

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).toReversed()
  return Object.fromEntries(members.map(([key, part]) => [key, reversed(part)]))
}
