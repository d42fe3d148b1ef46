import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BuildWork } from '../../../api/attempts.ts'
import type { Digest } from '../../../api/digest.ts'
import type { Measurement } from '../../../api/measurements.ts'
import { tick, workerScene } from './scene.ts'

const FOREVER = '#!/bin/sh\necho one\nwhile :; do sleep 1; done\n'

test('a training is fetched, run, and its output, log and environment are stored', async t => {
  const { kept, server, trial } = await workerScene(t)
  const train =
    '#!/bin/sh\ncat "$KAOS_HYPER/params.null"\nmkdir "$1"\ncp "$KAOS_DATA"/*/a.csv "$1/model"\n'

  const played = server.offer(await trial(train))
  const report = await server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.equal(report.exit, 0)
  assert.equal(server.text(report.output as Digest, 'model'), '1,2\n')
  assert.equal(server.file(report.log!.digest as Digest), played.log.toString())
  assert.match(played.log.toString(), /^\[[^\]]*\] \{\}\n$/)
  assert.equal(typeof report.environment?.python, 'string')
  while ((await kept()).length > 0) await tick()
})

test('a point of a grid is shown at its hash and file', async t => {
  const { server, trial } = await workerScene(t)
  const train = '#!/bin/sh\nmkdir "$1"\ncp "$KAOS_HYPER/3fbf2/lr=0.1.json" "$1/values"\n'
  const hyper = { hash: '3fbf2', file: 'lr=0.1.json', values: { lr: 0.1 } }

  const report = await server.reported(server.offer(await trial(train, { hyper })))

  assert.equal(report.state, 'succeeded', report.reason)
  assert.equal(server.text(report.output as Digest, 'values'), '{"lr":0.1}')
})

test('what a training uses is measured while it runs, sent as it comes, and stored', async t => {
  const { server, trial } = await workerScene(t)
  const train = '#!/bin/sh\nsleep 3\nmkdir "$1"; echo ok > "$1/model"\n'

  const played = server.offer(await trial(train))
  const early = await server.until(() => played.measurements.length > 0 && played.reports.length)
  const report = await server.reported(played)

  assert.ok(played.renewals.some(renewal => renewal.phase === 'running'))
  assert.equal(early, 0, 'nothing came before the end')
  const stored = server.file(report.measurements!.digest as Digest)
  assert.equal(stored, played.measurements.toString())
  const samples = stored
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Measurement)
  assert.ok(samples.length >= 2, stored)
  assert.ok(samples.every(one => one.memoryBytes > 0 && one.cpuSeconds >= 0))
  assert.deepEqual(
    samples.map(one => one.at),
    samples.map(one => one.at).sort(),
  )
  assert.equal(report.usage?.memoryBytes, Math.max(...samples.map(one => one.memoryBytes)))
})

test('a build reports an image from which a training runs', async t => {
  const { put, server, trial } = await workerScene(t)
  const source = await put({ Dockerfile: 'FROM scratch\n', 'model/train': '#!/bin/sh\n' })
  const program = await put({ train: '#!/bin/sh\nmkdir "$1"; echo ok > "$1/model"\n' })
  const build: BuildWork = {
    ...{ kind: 'build', purpose: 'train', image: 'build-train-mnist:e23a2', folder: 'mnist' },
    ...{ source, program, buildArgs: {} },
  }

  const built = await server.reported(server.offer(build))
  const image = built.image!
  const report = await server.reported(server.offer(await trial('', { image })))

  assert.equal(built.state, 'succeeded', built.reason)
  assert.equal(image.kind, 'environment')
  assert.match(server.text(image.tree as Digest, 'environment.json') ?? '', /"python"/)
  assert.equal(report.state, 'succeeded', report.reason)
})

test('a training that writes nothing into its output folder has failed, and is told why', async t => {
  const { server, trial } = await workerScene(t)

  const work = await trial('#!/bin/sh\necho x > "$KAOS_OUT/model.pkl"\n')
  const report = await server.reported(server.offer(work))

  assert.equal(report.state, 'failed')
  assert.match(report.reason ?? '', /wrote nothing to \/pfs\/out\/b82151 \(it wrote model\.pkl/)
})

test('a link or a file in place of the output folder is refused, and the link not followed', async t => {
  const { server, trial } = await workerScene(t)

  const link = server.offer(await trial('#!/bin/sh\nrm -rf "$1"; ln -s /etc "$1"\n'))
  const linked = await server.reported(link)
  const file = await server.reported(server.offer(await trial('#!/bin/sh\necho x > "$1"\n')))

  assert.equal(linked.state, 'failed')
  assert.equal(linked.output, undefined)
  assert.match(
    linked.reason ?? '',
    /left a symbolic link in place of the folder \/pfs\/out\/b82151/,
  )
  assert.equal(file.state, 'failed')
  assert.match(file.reason ?? '', /left a file in place of the folder/)
})

test('the exit code of a failed training is reported with the command that shows its log', async t => {
  const { server, trial } = await workerScene(t)

  const report = await server.reported(server.offer(await trial('#!/bin/sh\nexit 3\n')))

  assert.equal(report.state, 'failed')
  assert.equal(report.exit, 3)
  assert.equal(report.reason, 'the training ended with exit code 3; see: kaos train logs')
})

test('a stop in the lease ends the training, which keeps its log', async t => {
  const { server, trial } = await workerScene(t)
  const played = server.offer(await trial(FOREVER))
  await server.until(() => played.log.includes('one'))

  played.stop = true
  const report = await server.reported(played)

  assert.equal(report.state, 'stopped')
  assert.match(server.file(report.log!.digest as Digest), /one\n/)
})

test('an attempt that is stale is ended and forgotten without a report', async t => {
  const { kept, server, trial } = await workerScene(t)
  const played = server.offer(await trial(FOREVER))
  await server.until(() => played.log.includes('one'))

  played.stale = true
  while ((await kept()).length > 0) await tick()

  assert.deepEqual(played.reports, [])
})

test('a training goes on while the server is away, and its outcome is told afterwards', async t => {
  const { server, trial } = await workerScene(t)
  const train = '#!/bin/sh\necho one\nsleep 1\necho two\nmkdir "$1"; echo ok > "$1/model"\n'
  const played = server.offer(await trial(train))
  await server.until(() => played.log.includes('one'))

  await server.close()
  await new Promise(resolve => setTimeout(resolve, 1500))
  await server.open()
  const report = await server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.match(played.log.toString(), /one\n.*two\n/)
  assert.equal(server.file(report.log!.digest as Digest), played.log.toString())
})

test('a report is said again until the server takes it', async t => {
  const { server, trial } = await workerScene(t)
  server.refuseReports = 2

  const report = await server.reported(server.offer(await trial('#!/bin/sh\nexit 1\n')))

  assert.equal(report.state, 'failed')
})

test('the next worker takes up what the last one left running, and no line of the log is lost', async t => {
  const { end, server, start, trial } = await workerScene(t)
  const train = '#!/bin/sh\necho one\nsleep 1\necho two\nmkdir "$1"; echo ok > "$1/model"\n'
  const played = server.offer(await trial(train))
  await server.until(() => played.log.includes('one'))

  await end()
  await start()
  const report = await server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.match(server.file(report.log!.digest as Digest), /^\[.*\] one\n\[.*\] two\n$/)
  assert.equal(played.log.toString(), server.file(report.log!.digest as Digest))
})

test('what a training left before its host started again may have holes: it is lost, and made anew', async t => {
  const { end, folder, kept, server, start, trial } = await workerScene(t)
  const train = '#!/bin/sh\necho one\nsleep 1\nmkdir "$1"; echo ok > "$1/model"\n'
  const played = server.offer(await trial(train))
  await server.until(() => played.log.includes('one'))
  await end()
  const [attempt = ''] = await readdir(join(folder, 'attempts'))
  const file = (...path: string[]) => join(folder, 'attempts', attempt, ...path)
  while (!existsSync(file('place-1', 'run', 'exit.json'))) await tick()

  const order = JSON.parse(await readFile(file('order.json'), 'utf8')) as { boot: string }
  assert.match(order.boot, /./)
  await writeFile(file('order.json'), JSON.stringify({ ...order, boot: 'another one' }))
  for (const name of ['state.json', 'launch.json']) {
    await writeFile(file('place-1', 'run', name), Buffer.alloc(40))
  }
  await start()
  const report = await server.reported(played)

  assert.equal(report.state, 'lost')
  assert.equal(report.reason, 'its host started again')
  assert.equal(report.output, undefined)
  while ((await kept()).length > 0) await tick()
})

test('a build that the last worker did not end is reported lost', async t => {
  const { end, put, server, start } = await workerScene(t)
  const slow = 'echo waiting; sleep 600'
  const model = { 'model/requirements.txt': '--index-url http://127.0.0.1:9/\nnothing==1\n' }
  const source = await put({ Dockerfile: slow, ...model })
  const build: BuildWork = {
    ...{ kind: 'build', purpose: 'train', image: 'build-train-mnist:e23a2', folder: 'mnist' },
    ...{ source, program: source, buildArgs: {} },
  }
  const played = server.offer(build)
  await server.until(() => played.log.includes('Making a virtual environment'))

  await end()
  await start()
  const report = await server.reported(played)

  assert.equal(report.state, 'lost')
})
