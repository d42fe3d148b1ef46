/* What running promises beyond the suite that every runner passes, on the real engine. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDockerRunner } from '../../runners/docker/docker.ts'
import {
  type Attempt,
  attemptOf,
  type DockerFixture,
  programDockerfile,
  RUNS_CODE,
} from './docker-fixture.ts'
import { linesOf, withPlainImage } from './docker-plain.ts'
import { logOf, startAndDie } from './fixture.ts'

const _MEBIBYTE = 1024 * 1024

const scene = withPlainImage()
const { ran } = scene

describe('a program that cannot be started', () => {
  const cases: [string, Record<string, string>, string, RegExp][] = [
    ['is not executable', { train: RUNS_CODE }, 'RUN chmod 0644 train', /not executable.*chmod/],
    [
      'is no program but a folder',
      { 'train/x': 'x' },
      '',
      /no program \.\/train in \/opt\/program/,
    ],
    ['has Windows line ends', { train: '#!/bin/sh\r\necho\r\n' }, '', /carriage return/],
    ['names an interpreter that is not there', { train: '#!/opt/python9\n' }, '', /\/opt\/python9/],
  ]
  for (const [title, files, more, reason] of cases) {
    it(`is told why: it ${title}`, async t => {
      const dockerfile = programDockerfile(scene.fixture.small, more)
      const image = await scene.fixture.prepare({ dockerfile, files })

      const { exit, place } = await ran(t, '', { image })

      assert.equal(exit.state, 'failed')
      assert.match(exit.reason ?? '', reason)
      assert.deepEqual(await (await scene.fixture.runner.adopt(place))?.exit, exit)
      await assert.rejects(scene.fixture.docker.getContainer(`kaos-${place.attempt}`).inspect())
    })
  }

  it('follows links, and passes over an entrypoint of the image', async t => {
    const more =
      'RUN mkdir /code && mv train /code/real && ln -s /code/real train\nENTRYPOINT ["false"]'
    const dockerfile = programDockerfile(scene.fixture.small, more)
    const image = await scene.fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })

    const { exit } = await ran(t, 'pass', { image })

    assert.equal(exit.state, 'succeeded', exit.reason)
  })

  it('is the host’s lack where GPUs are asked for and there are none', async t => {
    const { order, place } = await attemptOf(t, scene.fixture, scene.plain, {
      resources: { gpu: 1 },
    })

    const running = scene.fixture.runner.run(order, place)

    await assert.rejects(running, {
      code: 'RUNNER_UNAVAILABLE',
      message: /1 GPU was asked for, and this host has none/,
    })
    assert.equal(await scene.fixture.runner.adopt(place), undefined)
  })

  it('is the set-up’s fault where the engine does not see the folders', async t => {
    const { order, place } = await attemptOf(t, scene.fixture, scene.plain)
    const elsewhere = [{ name: 'features:9fd9d', path: '/nowhere-on-the-host/data' }]

    const running = scene.fixture.runner.run({ ...order, data: elsewhere }, place)

    await assert.rejects(running, { code: 'RUNNER_UNAVAILABLE', message: /run both on one host/ })
    await assert.rejects(stat('/nowhere-on-the-host'))
  })
})

describe('images', () => {
  it('come back from their layout when the engine has lost them, as the same image', async t => {
    const { built, image } = await scene.fixture.prepare({
      dockerfile: programDockerfile(scene.fixture.small, 'RUN echo once > /once'),
      files: { train: RUNS_CODE },
    })
    await scene.fixture.docker.getImage(String(built.environment.imageId)).remove({ force: true })
    let asked = 0
    const layout = async () => {
      asked++
      return built.folder
    }

    const code = 'print(open("/once").read())'
    const first = await ran(t, code, { image: { image, layout } })
    const second = await ran(t, code, { image: { image, layout } })

    assert.equal(first.exit.state, 'succeeded', first.exit.reason)
    assert.equal(second.exit.state, 'succeeded')
    assert.equal(asked, 1)
    const pinned = await scene.fixture.docker
      .getImage(`kaos/pin:${built.manifest?.slice(7)}`)
      .inspect()
    assert.equal(pinned.Id, built.environment.imageId)
  })

  it('are refused when the layout holds another manifest, or a changed config', async t => {
    const unknown = `sha256:${randomBytes(32).toString('hex')}` as const
    const { order, place } = await attemptOf(t, scene.fixture, scene.plain)

    const running = scene.fixture.runner.run(
      { ...order, image: { ...order.image, manifest: unknown } },
      place,
    )

    await assert.rejects(running, { code: 'OBJECT_DAMAGED', message: /manifest/ })
  })
})

describe('endings', () => {
  it('is stopped when it was asked to end, also when it then ends with 0', async t => {
    const code = `
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
time.sleep(600)`
    const { order, place } = await attemptOf(t, scene.fixture, scene.plain, { code })
    const running = await scene.fixture.runner.run(order, place)
    await until(scene.fixture, place, 'ready')

    await scene.fixture.runner.stop(place, 30_000)
    const exit = await running.exit
    await scene.fixture.runner.stop(place, 30_000)

    assert.equal(exit.state, 'stopped')
    assert.equal(exit.exit, 0)
  })

  it('is what it was when it had ended before the stop', async t => {
    const { exit, place } = await ran(t, 'raise SystemExit(9)')

    await scene.fixture.runner.stop(place, 0)

    assert.equal(exit.state, 'failed')
    assert.equal((await (await scene.fixture.runner.adopt(place))?.exit)?.state, 'failed')
  })

  it('is lost when somebody took the container away', async t => {
    const { order, place } = await attemptOf(t, scene.fixture, scene.plain, {
      code: 'import time; time.sleep(600)',
    })
    const running = await scene.fixture.runner.run(order, place)

    await scene.fixture.docker.getContainer(`kaos-${place.attempt}`).remove({ force: true })

    assert.equal((await running.exit).state, 'lost')
    assert.equal(await logOf(scene.fixture.runner, place), '')
  })

  it('leaves nothing of a place after its release', async t => {
    const { place } = await ran(t, 'print("x")')

    await scene.fixture.runner.release(place)

    assert.equal(await scene.fixture.runner.adopt(place), undefined)
    assert.deepEqual(await readdir(place.dir), ['log'])
    await assert.rejects(scene.fixture.docker.getContainer(`kaos-${place.attempt}`).inspect())
  })

  it('takes away what was made and never started when it looks for a program', async t => {
    const { place } = await attemptOf(t, scene.fixture, scene.plain)
    const container = await scene.fixture.docker.createContainer({
      Image: scene.fixture.small,
      Cmd: ['true'],
      Labels: { 'kaos.attempt': place.attempt },
    })

    assert.equal(await scene.fixture.runner.adopt(place), undefined)
    await assert.rejects(container.inspect(), { statusCode: 404 })
  })
})

describe('the log', () => {
  it('holds lines longer than the engine’s entries, both streams, and a last line without an end', async t => {
    const code = `
import sys
print("a" * 40000 + "b", flush=True)
sys.stderr.write("on stderr\\n")
sys.stderr.flush()
sys.stdout.write("no end")`

    const lines = linesOf(await ran(t, code))

    assert.deepEqual(lines.toSorted(), [`${'a'.repeat(40000)}b`, 'no end', 'on stderr'])
  })

  it('goes on after a kill -9 of the worker without losing or doubling a line', async t => {
    const code = `
import time
for number in range(400):
    print("line", number, flush=True)
    time.sleep(0.01)`
    const attempt = await attemptOf(t, scene.fixture, scene.plain, { code })
    const { folder } = scene.plain.built
    await startAndDie(scene.fixture.opener, { ...attempt, layout: folder })
    const path = join(attempt.place.dir, 'log')
    const half = await readFile(path, 'latin1').catch(() => '')

    await scene.fixture.runner.adopt(attempt.place)
    const log = await logOf(scene.fixture.runner, attempt.place)

    assert.ok(log.startsWith(half))
    const expected = Array.from({ length: 400 }, (_, number) => `line ${number}`)
    assert.deepEqual(
      log
        .trimEnd()
        .split('\n')
        .map(line => line.slice(22)),
      expected,
    )
  })

  it('goes on in the middle of a line', async t => {
    const { place, log } = await ran(t, 'print("one")\nprint("two")\nprint("three")')
    const cut = log.slice(0, log.indexOf('wo'))
    await writeFile(join(place.dir, 'log'), cut)

    await rm(join(place.dir, 'run', 'log.json'))
    const other = await openDockerRunner({ socket: scene.fixture.socket })
    t.after(() => other.close())

    assert.equal(await logOf(other, place), log)
  })
})

async function until({ runner }: DockerFixture, place: Attempt['place'], text: string) {
  let seen = ''
  for await (const piece of runner.logs(place, 0, new AbortController().signal)) {
    seen += Buffer.from(piece).toString('utf8')
    if (seen.includes(text)) return
  }
  throw new Error(`the program ended without saying "${text}"`)
}
