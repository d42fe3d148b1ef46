import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogLines } from '../../runners/kubernetes/lines.ts'

const entry = (part: string, text: string) => `2026-11-21T00:38:54${part}Z ${text}\n`
const LOG = [
  entry('.1', 'one'),
  entry('.25', 'two'),
  entry('.25', 'three'),
  entry('.250000001', 'four'),
  entry('.9', 'five'),
].join('')
const STAMP = '[2026-11-21 00:38:54] '
const WHOLE = ['one', 'two', 'three', 'four', 'five'].map(text => `${STAMP}${text}\n`).join('')

describe('the log of a pod', () => {
  it('has a stamp before each line, however the stream is cut', () => {
    for (let at = 0; at <= LOG.length; at++) {
      const lines = new LogLines()
      const out = [LOG.slice(0, at), LOG.slice(at)].map(part => lines.take(Buffer.from(part)))

      assert.equal(Buffer.concat(out).toString(), WHOLE)
    }
  })

  it('goes on at any line when the node is asked for the whole second again', () => {
    const ends = [...LOG].flatMap((sign, at) => (sign === '\n' ? [at + 1] : []))
    for (const end of [0, ...ends]) {
      const first = new LogLines()
      const before = first.take(Buffer.from(LOG.slice(0, end))).toString()
      const second = new LogLines(first.cursor.time === '' ? undefined : first.cursor)
      const after = second.take(Buffer.from(LOG)).toString()

      assert.equal(before + after, WHOLE)
      assert.equal(second.cursor.size, WHOLE.length)
    }
  })

  it('ends with a line that says so when it is as long as it may be', () => {
    const lines = new LogLines(undefined, 200)
    const many = Array.from({ length: 50 }, (_, n) => entry(`.${n + 100}`, `line ${n}`)).join('')

    const out = lines.take(Buffer.from(many)).toString()

    assert.ok(lines.full)
    assert.ok(out.length <= 200, `${out.length}`)
    assert.match(out, /the log is full: what came after was dropped\n$/)
  })

  it('breaks a line that never ends, and ends it with the log', () => {
    const lines = new LogLines()
    const text = `${'x'.repeat(1024 * 1024 + 10)}`

    const out = [lines.take(Buffer.from(entry('.1', text).slice(0, -1))), lines.flush()]

    const [first, second, third] = Buffer.concat(out).toString().split('\n')
    assert.equal(first?.length, STAMP.length + text.length)
    assert.equal(second, STAMP)
    assert.equal(third, '')
  })

  it('leaves out what the node says of itself', () => {
    const lines = new LogLines()
    const said = 'failed to watch file: no space left\n'

    const out = lines.take(Buffer.from(entry('.1', 'one') + said + entry('.2', 'two')))

    assert.equal(out.toString(), `${STAMP}one\n${STAMP}two\n`)
  })
})
