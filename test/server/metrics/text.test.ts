import assert from 'node:assert/strict'
import test from 'node:test'
import { Counter, Gauge, Histogram, SERIES_MAX } from '../../../server/metrics/families.ts'
import { formatFor, OPEN, PLAIN, textOf } from '../../../server/metrics/text.ts'

test('the plain text is what Prometheus documents', () => {
  const calls = new Counter({ name: 'calls', help: 'All "calls"\\', labels: ['to'] })
  calls.add(['a"b\\c\nd'], 2)
  const held = new Histogram({ name: 'held_seconds', help: 'Held', bounds: [0.5, 1] })
  for (const seconds of [0.1, 0.5, 0.7, 9]) held.observe(seconds)

  const text = textOf([calls, held], PLAIN)

  assert.equal(
    text,
    `# HELP calls_total All "calls"\\\\
# TYPE calls_total counter
calls_total{to="a\\"b\\\\c\\nd"} 2
# HELP held_seconds Held
# TYPE held_seconds histogram
held_seconds_bucket{le="0.5"} 2
held_seconds_bucket{le="1.0"} 3
held_seconds_bucket{le="+Inf"} 4
held_seconds_sum 10.3
held_seconds_count 4
`,
  )
})

test('OpenMetrics names counters without their suffix, tells units and says where it ends', () => {
  const taken = new Counter({ name: 'cpu_seconds', help: 'Taken' })
  const gauge = new Gauge({ name: 'free_bytes', help: 'Free' })
  gauge.set(Number.NaN)

  const text = textOf([taken, gauge], OPEN)

  assert.equal(
    text,
    `# HELP cpu_seconds Taken
# TYPE cpu_seconds counter
# UNIT cpu_seconds seconds
cpu_seconds_total 0
# HELP free_bytes Free
# TYPE free_bytes gauge
# UNIT free_bytes bytes
free_bytes NaN
# EOF
`,
  )
})

test('the format is the one that is asked for, and the plain one otherwise', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

  assert.equal(formatFor(prometheus), OPEN)
  assert.equal(formatFor('application/openmetrics-text'), OPEN)
  assert.equal(formatFor(undefined), PLAIN)
  assert.equal(formatFor('*/*'), PLAIN)
  assert.equal(formatFor('text/plain;version=0.0.4,application/openmetrics-text;q=0.2'), PLAIN)
  assert.equal(formatFor('application/openmetrics-text;version=2.0.0'), PLAIN)
})

test('a label that takes more values than a family may have is counted as one', () => {
  const calls = new Counter({ name: 'calls', help: 'Calls', labels: ['to'] })

  for (let n = 0; n < SERIES_MAX + 500; n++) calls.add([`name-${n}`])

  const samples = calls.samples()
  assert.equal(samples.length, SERIES_MAX + 1)
  assert.equal(samples.find(({ labels }) => labels[0]![1] === 'other')?.value, 500)
})
