import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { lives, type ProcessName } from '../../../runners/host-processes.ts'
import { logOf, type RunnerFixture, sceneOf } from '../fixture.ts'
import { openProcessFixture } from './fixture.ts'

let fixture: RunnerFixture
let bare: RunnerFixture
before(async () => {
  fixture = await openProcessFixture([])
  bare = await openProcessFixture(['view', 'net'])
})
after(async () => {
  await fixture.close()
  await bare.close()
})

test('a program sees nothing of the environment of the worker', async t => {
  const program = { train: '#!/bin/sh\nenv\n' }
  const { order, place } = await sceneOf(t, fixture, { program })
  process.env.KAOS_WORKER_TOKEN = 'kaos_secret'
  t.after(() => delete process.env.KAOS_WORKER_TOKEN)

  await (await fixture.runner.run(order, place)).exit
  const log = await logOf(fixture.runner, place)

  assert.doesNotMatch(log, /kaos_secret/)
  assert.match(log, /PYTHONHASHSEED=0/)
  assert.match(log, /KAOS_OUT=/)
})

test('a #! line that names a Python by its path is run with the Python of the user', async t => {
  const train =
    '#!/no/such/place/python3 -O\nimport sys\nprint(sys.version_info.major, sys.flags.optimize)\n'
  const { order, place } = await sceneOf(t, fixture, { program: { train } })

  const exit = await (await fixture.runner.run(order, place)).exit
  const log = await logOf(fixture.runner, place)

  assert.equal(exit.state, 'succeeded', log)
  assert.match(log, /\] 3 1\n/)
})

for (const [what, first, reason] of [
  ['an interpreter that is not here', '#!/no/such/ruby\n', /\/no\/such\/ruby/],
  ['a #! line as Windows writes it', '#!/bin/sh\r\necho x\r\n', /Windows/],
] as const) {
  test(`${what} is named as the reason`, async t => {
    const { order, place } = await sceneOf(t, fixture, { program: { train: first } })

    const exit = await (await fixture.runner.run(order, place)).exit

    assert.equal(exit.state, 'failed')
    assert.match(exit.reason ?? '', reason)
  })
}

for (const [name, of] of [
  ['', () => fixture],
  [' without namespaces', () => bare],
] as const) {
  test(`a program that takes more than its memory is ended and says so${name}`, async t => {
    const train =
      '#!/usr/bin/env python3\nkept = bytearray(b"x") * (300 << 20)\nimport time\ntime.sleep(600)\n'
    const resources = { memoryBytes: 100 << 20 }
    const { order, place } = await sceneOf(t, of(), { program: { train }, resources })

    const exit = await (await of().runner.run(order, place)).exit

    assert.equal(exit.state, 'failed')
    assert.equal(exit.outOfMemory, true)
    assert.match(exit.reason ?? '', /100 MiB/)
  })

  test(`a killed supervisor loses the attempt, and takes the program with it${name}`, async t => {
    const train = '#!/bin/sh\necho one\nwhile :; do sleep 1; done\n'
    const { order, place } = await sceneOf(t, of(), { program: { train } })
    const running = await of().runner.run(order, place)
    const state = JSON.parse(await readFile(join(place.dir, 'run', 'state.json'), 'utf8'))
    const { launcher, supervisor } = state as Record<string, ProcessName>

    process.kill(supervisor!.pid, 'SIGKILL')
    const exit = await running.exit

    assert.equal(exit.state, 'lost')
    assert.equal(lives(launcher), false)
    assert.equal((await (await of().runner.adopt(place))?.exit)?.state, 'lost')
  })
}

test('where /pfs cannot be shown, a program that looks for it is told where to look', async t => {
  const train = '#!/bin/sh\ncat /pfs/data/*/a.csv\n'
  const { order, place } = await sceneOf(t, bare, { program: { train } })

  const exit = await (await bare.runner.run(order, place)).exit

  assert.equal(exit.state, 'failed')
  assert.match(exit.reason ?? '', /KAOS_DATA/)
})

test('what a program asks for in its SIGTERM handler is done before it is ended', async t => {
  const train = `#!/bin/sh
trap 'mkdir "$1"; echo saved > "$1/checkpoint"; exit 0' TERM
echo ready
while :; do sleep 0.1; done
`
  const { order, place } = await sceneOf(t, fixture, { program: { train } })
  const running = await fixture.runner.run(order, place)
  for await (const piece of fixture.runner.logs(place, 0, new AbortController().signal)) {
    if (Buffer.from(piece).includes('ready')) break
  }

  await fixture.runner.stop(place, 30_000)

  assert.equal((await running.exit).state, 'stopped')
  assert.deepEqual(await readdir(join(order.out, order.output)), ['checkpoint'])
})

test('a line without an end is broken, and never inside a character', async t => {
  const train = '#!/usr/bin/env python3\nprint("x" + "ä" * 50000, end="")\n'
  const { order, place } = await sceneOf(t, fixture, { program: { train } })

  await (await fixture.runner.run(order, place)).exit
  const log = await logOf(fixture.runner, place)

  assert.doesNotMatch(log, /\ufffd/)
  assert.equal(log.match(/ä/g)?.length, 50_000)
  assert.ok(log.trimEnd().split('\n').length > 1)
})
