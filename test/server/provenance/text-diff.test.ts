import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { unifiedDiff } from '../../../server/provenance/why/text-diff.ts'

const NAMES = ['a/x', 'b/x'] as const
const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 40 })
  .chain(lines => fc.constantFrom(lines.join('\n'), `${lines.join('\n')}\n`))

describe('unifiedDiff', () => {
  it('tells nothing of equal texts', () => {
    assert.equal(unifiedDiff('a\nb\n', 'a\nb\n', NAMES), '')
  })

  it('tells what was taken out and put in, with three lines around', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`)
    const changed = lines.with(10, 'changed')

    const diff = unifiedDiff(`${lines.join('\n')}\n`, `${changed.join('\n')}\n`, NAMES)

    assert.equal(
      diff,
      [
        '--- a/x',
        '+++ b/x',
        '@@ -8,7 +8,7 @@',
        ' line 7',
        ' line 8',
        ' line 9',
        '-line 10',
        '+changed',
        ' line 11',
        ' line 12',
        ' line 13',
        '',
      ].join('\n'),
    )
  })

  it('says where a text lacks the end of its last line, and numbers empty sides as diff does', () => {
    assert.match(unifiedDiff('a', 'a\n', NAMES), /-a\n\\ No newline at end of file\n\+a\n/)
    assert.match(unifiedDiff('', 'a\n', NAMES), /^@@ -0,0 \+1 @@$/m)
    assert.match(unifiedDiff('a\n', '', NAMES), /^@@ -1 \+0,0 @@$/m)
  })

  it('can be applied: the one text becomes the other', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(applied(a, unifiedDiff(a, b, NAMES)), b)
      }),
      { numRuns: 500 },
    )
  })

  it('takes texts that have nothing in common as one out and the other in', () => {
    const many = (word: string) => Array.from({ length: 5000 }, (_, i) => `${word}${i}\n`).join('')

    const diff = unifiedDiff(many('a'), many('b'), NAMES)

    assert.equal(diff.split('\n').filter(line => line.startsWith('-a')).length, 5000)
    assert.equal(applied(many('a'), diff), many('b'))
  })
})

/** As `patch` does. */
function applied(before: string, diff: string): string {
  if (diff === '') return before
  const old = before === '' ? [] : before.replace(/\n$/, '').split('\n')
  const lines = diff.split('\n').slice(2, -1)
  const result: string[] = []
  let at = 0
  let ends = before.endsWith('\n') || before === ''
  for (const [i, line] of lines.entries()) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? /.exec(line)
    if (hunk) {
      const first = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1)
      while (at < first) result.push(old[at++]!)
    } else if (line.startsWith('\\')) {
      if (!lines[i - 1]?.startsWith('-')) ends = false
      else ends = true
    } else {
      if (line[0] !== '+') assert.equal(old[at++], line.slice(1))
      if (line[0] !== '-') result.push(line.slice(1))
    }
  }
  while (at < old.length) result.push(old[at++]!)
  if (result.length === 0) return ''
  return result.join('\n') + (ends ? '\n' : '')
}
