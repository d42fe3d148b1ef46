import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JobRow, MeasurementLine, ModelRow } from '../../../api/wire.ts'
import { widthOf } from '../../../cli/table.ts'
import type { Event } from '../../../cli/watching/feed.ts'
import { jsonPrinter, plainPrinter, ScreenPrinter } from '../../../cli/watching/printers.ts'
import { Sight } from '../../../cli/watching/sight.ts'

const job = (state: string, more: object = {}) =>
  ({ kind: 'train', jobId: 'abc', state, reason: null, ...more }) as JobRow
const point = (trial: number, step: number, key: string, value: number) => ({
  ...{ trial, step, key, value },
  ...{ attempt: 1, timestamp: 0 },
})
const sample = (second: number, more: object = {}): MeasurementLine => ({
  at: new Date(second * 1000).toISOString(),
  ...{ cpuSeconds: second / 2, memoryBytes: 1e6 * second, trial: 0, attempt: 1 },
  ...more,
})
const trial = (state: string, more: object = {}) =>
  ({
    ...{ state, reason: null, modelId: null, metrics: {} },
    hyperparams: { author: 'me', path: '/3fbf2/degree=5.json', values: { degree: 5 } },
    ...more,
  }) as unknown as ModelRow

const RUN: Event[] = [
  { event: 'state', job: job('JOB_RUNNING') },
  { event: 'log', lines: ['one', 'two'] },
  { event: 'metrics', points: [point(0, 1, 'loss', 0.5), point(0, 1, 'accuracy', 0.25)] },
  { event: 'measurements', samples: [sample(1), sample(2), sample(14)] },
]

function written() {
  const parts: string[] = []
  const stream = { write: (text: string) => parts.push(text) > 0, columns: 60, rows: 20 }
  return { parts, stream: stream as never }
}

describe('where it is no terminal', () => {
  it('log, metrics and use come as lines', () => {
    const { parts, stream } = written()
    const printer = plainPrinter(stream, false)

    for (const event of RUN) printer.tell(event)

    assert.equal(
      parts.join(''),
      'train abc: JOB_RUNNING\none\ntwo\nstep 1: loss 0.5000  accuracy 0.2500\n' +
        'used after 13 s: 0.50 cores, 14.0 MB\n',
    )
  })

  it('each line of a grid says of which trial it is', () => {
    const { parts, stream } = written()
    const printer = plainPrinter(stream, true)

    printer.tell({ event: 'trial', trial: 3, row: trial('JOB_STARTING') })
    printer.tell({ event: 'metrics', points: [point(3, 0, 'loss', 2), point(4, 0, 'loss', 1)] })
    const metrics = { accuracy: 0.75, text: 'ok' }
    printer.tell({ event: 'trial', trial: 3, row: trial('JOB_SUCCESS', { metrics }) })
    const reason = 'the training ended with exit code 1'
    printer.tell({ event: 'trial', trial: 4, row: trial('JOB_FAILURE', { reason }) })

    assert.equal(
      parts.join(''),
      'trial 3 step 0: loss 2\ntrial 4 step 0: loss 1\n' +
        'trial 3 degree=5: JOB_SUCCESS  accuracy 0.7500\n' +
        'trial 4 degree=5: JOB_FAILURE  (the training ended with exit code 1)\n',
    )
  })
})

describe('with --json', () => {
  it('each thing that happens is an object on a line', () => {
    const { parts, stream } = written()
    const printer = jsonPrinter(stream)

    for (const event of RUN) printer.tell(event)

    const events = parts.map(line => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      events.map(one => one.event),
      ['state', 'log', 'log', 'metric', 'metric', 'measurement', 'measurement', 'measurement'],
    )
    assert.deepEqual(events[3], { event: 'metric', ...point(0, 1, 'loss', 0.5) })
  })
})

describe('on a terminal', () => {
  it('the block stands below the log, and is drawn over', () => {
    const { parts, stream } = written()
    const printer = new ScreenPrinter(stream, false)

    printer.tell(RUN[1]!)
    printer.end()
    const [first] = parts
    printer.tell({ event: 'log', lines: ['three'] })
    printer.end()

    assert.match(first!, /^\r\x1b\[0Jone\ntwo\n── /)
    assert.match(parts.at(-1)!, /^\r\x1b\[1A\x1b\[0Jthree\n── /)
  })

  it('what a program writes can neither move the cursor nor clear the screen', () => {
    const { parts, stream } = written()
    const printer = new ScreenPrinter(stream, false)

    printer.tell({ event: 'log', lines: ['a\x1b[2Jb', '10%\r20%\r30%', '\x1b[31mred\x1b[0m'] })
    printer.end()

    assert.match(parts.join(''), /0Ja\u{FFFD}\[2Jb\n30%\n\x1b\[31mred\x1b\[0m\n/u)
  })

  it('no line is wider than the terminal, and the block leaves room for the log', () => {
    const sight = new Sight(false)
    for (const event of RUN) sight.see(event)
    const keys = Array.from({ length: 30 }, (_, n) => point(0, 2, `a_long_metric_name_${n}`, n))
    sight.see({ event: 'metrics', points: keys })
    sight.see({ event: 'server', reachable: false })

    for (const columns of [20, 40, 79, 200]) {
      const lines = sight.lines(columns, 10)
      assert.equal(lines.length, 10)
      for (const line of lines) assert.ok(widthOf(line) <= columns, line)
      assert.match(lines.at(-1)!, /and \d+ more/)
    }
    assert.match(sight.lines(100, 10)[0]!, /the server is away/)
  })

  it('of a grid the trials that run have a line each', () => {
    const sight = new Sight(true)
    sight.see({
      event: 'state',
      job: job('JOB_RUNNING', { progress: { done: 1, failed: 0, total: 3 } }),
    })
    sight.see({ event: 'trial', trial: 0, row: trial('JOB_SUCCESS') })
    sight.see({ event: 'trial', trial: 1, row: trial('JOB_RUNNING') })
    sight.see({ event: 'metrics', points: [point(1, 0, 'loss', 2), point(1, 1, 'loss', 1)] })

    const [head, ...lines] = sight.lines(100, 10)

    assert.match(head!, /JOB_RUNNING {2}1 of 3 trials done/)
    assert.deepEqual(lines, [' trial 1 degree=5  loss 1 █▁'])
  })
})
