import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import type { MetricPoint } from '../../../api/measurements.ts'
import { tick, workerScene } from './scene.ts'

const GO_ON = 'while [ ! -e "$KAOS_OUT/go" ]; do sleep 0.1; done\n'
const say = (...lines: string[]) =>
  lines.map(line => `echo '${line}' >> "$KAOS_METRICS"\n`).join('')
const BEGIN = '#!/bin/sh\nmkdir -p "$1/metrics"\n'

const pointsOf = (text: string): MetricPoint[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as MetricPoint)

test('metrics are sent while the training writes them, stored, and stay in its output', async t => {
  const { server, trial } = await workerScene(t)
  const train = `${BEGIN}${say('{"loss": 3}')}sleep 2\n${say('{"loss": 2}', '{"loss": 1}')}`

  const played = server.offer(await trial(train))
  const early = await server.until(() => played.metrics.length > 0 && played.reports.length)
  const report = await server.reported(played)

  assert.equal(early, 0, 'nothing came before the end')
  assert.equal(server.file(report.metrics!.digest as Digest), played.metrics.toString())
  assert.deepEqual(
    pointsOf(played.metrics.toString()).map(({ key, value, step }) => [key, value, step]),
    [
      ['loss', 3, 0],
      ['loss', 2, 1],
      ['loss', 1, 2],
    ],
  )
  assert.match(server.text(report.output as Digest, 'metrics/metrics.jsonl') ?? '', /"loss": 1/)
  assert.equal(report.warnings, undefined)
})

test('lines that are no metrics are told once, and the training does not fail for them', async t => {
  const { server, trial } = await workerScene(t)

  const work = await trial(`${BEGIN}${say('so far so good', 'and on', '{"loss": 1}')}`)
  const played = server.offer(work)
  const report = await server.reported(played)

  const said = 'metrics/metrics.jsonl: line 1 is not JSON, and 1 more like it'
  assert.equal(report.state, 'succeeded', report.reason)
  assert.deepEqual(report.warnings, [said])
  assert.equal(played.log.toString().split(said).length, 2)
  assert.equal(pointsOf(played.metrics.toString()).length, 1)
})

test('the next worker goes on where the last one was, and no point is doubled or lost', async t => {
  const { end, folder, server, start, trial } = await workerScene(t)
  const train = `${BEGIN}${say('{"loss": 3}')}${GO_ON}${say('{"loss": 2}')}`
  const played = server.offer(await trial(train))
  await server.until(() => played.metrics.length > 0)

  await end()
  await start()
  const { writeFile } = await import('node:fs/promises')
  await writeFile(`${folder}/attempts/${played.order.attempt}/out/go`, '')
  const report = await server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.deepEqual(
    pointsOf(played.metrics.toString()).map(({ value }) => value),
    [3, 2],
  )
})

test('a link, a folder or a pipe in place of the file is not followed or waited for', async t => {
  const { folder, server, trial, kept } = await workerScene(t)
  const { writeFile } = await import('node:fs/promises')
  await writeFile(`${folder}-secret`, '{"secret": 1}\n')
  const places = [
    `ln -s "${folder}-secret" "$KAOS_METRICS"`,
    `rmdir "$1/metrics"; mkdir "$KAOS_OUT/real"; cp "${folder}-secret" "$KAOS_OUT/real/metrics.jsonl"; ln -s ../real "$1/metrics"`,
    'mkdir "$KAOS_METRICS"',
    'mkfifo "$KAOS_METRICS"',
  ]
  for (const place of places) {
    const played = server.offer(
      await trial(`${BEGIN}${place}\nsleep 1\nrm -rf "$1/metrics"; echo ok > "$1/model"\n`),
    )
    const report = await server.reported(played)

    assert.equal(report.state, 'succeeded', report.reason)
    assert.equal(played.metrics.length, 0, place)
    while ((await kept()).length > 0) await tick()
  }
})
