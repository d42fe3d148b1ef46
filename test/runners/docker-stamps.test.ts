import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LogStamps } from '../../runners/docker/stamps.ts'

function frame(source: number, time: string, text: string): Buffer {
  const bytes = Buffer.from(`${time} ${text}`)
  const head = Buffer.alloc(8)
  head[0] = source
  head.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([head, bytes])
}

const T1 = '2026-11-21T00:38:54.893069765Z'
const T2 = '2026-11-21T00:38:55.000000000Z'

function logOf(frames: readonly Buffer[], max?: number): string {
  const stamps = new LogStamps(max)
  return Buffer.concat([...frames.map(one => stamps.take(one)), stamps.flush()]).toString('utf8')
}

describe('the stamps of a log', () => {
  it('come from the engine and stand before every line', () => {
    const log = logOf([frame(1, T1, 'one\n'), frame(2, T2, '\n')])

    assert.equal(log, '[2026-11-21 00:38:54] one\n[2026-11-21 00:38:55] \n')
  })

  it('stand once before a line that came in pieces, also with another stream between', () => {
    const pieces = [
      frame(1, T1, 'aa'),
      frame(2, T1, 'err\n'),
      frame(1, T2, 'bb'),
      frame(1, T2, 'c\n'),
    ]

    const log = logOf([...pieces, frame(1, T2, 'rest')])

    const [first, second] = ['[2026-11-21 00:38:54]', '[2026-11-21 00:38:55]']
    assert.equal(log, `${first} err\n${first} aabbc\n${second} rest\n`)
  })

  it('give the same log however the stream is cut', () => {
    const entry = fc.record({
      source: fc.constantFrom(1, 2),
      time: fc.constantFrom(T1, T2),
      text: fc.string({ maxLength: 40 }).map(text => text.replaceAll('\n', '')),
      ends: fc.boolean(),
    })
    const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(entry), cuts, (entries, sizes) => {
        const frames = entries.map(({ source, time, text, ends }) =>
          frame(source, time, ends ? `${text}\n` : text),
        )
        const whole = Buffer.concat(frames)
        const pieces: Buffer[] = []
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const size = sizes[turn % sizes.length]!
          pieces.push(whole.subarray(at, at + size))
          at += size
        }

        assert.equal(logOf(pieces), logOf(frames))
      }),
    )
  })

  it('end at the limit with a line that says so, and never go over it', () => {
    const frames = Array.from({ length: 100 }, (_, number) => frame(1, T1, `line ${number}\n`))

    const log = logOf(frames, 1000)

    assert.ok(log.length <= 1000)
    assert.ok(log.length > 900)
    assert.match(log, /\n\[2026-11-21 00:38:54\] the log is full: what came after was dropped\n$/)
  })

  it('cut a line that never ends, so that it fills no memory', () => {
    const piece = 'x'.repeat(16 * 1024)

    const stamps = new LogStamps()
    let lines = 0
    for (let count = 0; count < 200; count++) {
      lines +=
        stamps
          .take(frame(1, T1, piece))
          .toString()
          .split('\n').length - 1
    }

    assert.equal(lines, 3)
  })

  it('refuse what is not a log stream', () => {
    assert.throws(() => logOf([Buffer.alloc(16, 0xff)]), /broken log stream/)
  })
})
