/* Builds with real venvs and pip, from a package on disk, so without any network. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Image } from '../../../api/attempts.ts'
import { digestOf } from '../../../api/digest.ts'
import { EMPTY_TREE } from '../../../api/tree.ts'
import { openProcessRunner } from '../../../runners/process/process.ts'
import type { Runner } from '../../../runners/runner.ts'
import { logOf, writeAll } from '../fixture.ts'
import { wheel } from './wheel.ts'

const NEVER = new AbortController().signal

interface Bench {
  readonly runner: Runner
  readonly base: string
  readonly cache: string
  readonly lines: string[]
  /** Builds from this text of requirements.txt. */
  build(requirements: string, signal?: AbortSignal): ReturnType<Runner['build']>
  /** Runs a program in the built environment; answers its log. */
  run(train: string, folder: string): Promise<string>
}

async function bench(t: TestContext): Promise<Bench> {
  const base = await mkdtemp(join(tmpdir(), 'kaos-venv-'))
  const cache = join(base, 'cache')
  const env = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: base, HOME: base }
  const runner = await openProcessRunner({ cache, env })
  t.after(async () => {
    await runner.close()
    await rm(base, { recursive: true, force: true })
  })
  await wheel(base, 'kaostest', '1.2.3', 'VALUE = 42\n')
  const lines: string[] = []
  let count = 0
  const place = async () => {
    const attempt = String(++count)
    const dir = join(base, attempt)
    await mkdir(dir)
    return { attempt, dir }
  }
  return {
    ...{ runner, base, cache, lines },
    build: async (requirements, signal = NEVER) => {
      const at = await place()
      const source = join(at.dir, 'source')
      await writeAll(source, { 'model/requirements.txt': requirements })
      const order = {
        purpose: 'train',
        image: 'build-train-x:e23a2',
        source,
        buildArgs: {},
      } as const
      return runner.build(order, at, line => lines.push(line), signal)
    },
    run: async (train, folder) => {
      const at = await place()
      await writeAll(at.dir, { 'program/train': train, 'hyper/params.null': '{}' })
      await mkdir(join(at.dir, 'out'))
      const image: Image = {
        ...{ name: 'build-train-x:e23a2', kind: 'environment', labels: {} },
        ...{ tree: digestOf(folder), program: EMPTY_TREE },
      }
      const order = {
        ...{ image, layout: async () => folder, program: join(at.dir, 'program'), env: {} },
        ...{ resources: {}, data: [], hyper: join(at.dir, 'hyper'), output: 'b82151' },
        out: join(at.dir, 'out'),
      }
      const exit = await (await runner.run(order, at)).exit
      assert.equal(exit.state, 'succeeded', `${exit.reason} ${await logOf(runner, at)}`)
      const log = await logOf(runner, at)
      await runner.release(at)
      return log
    },
  }
}

const USES = '#!/usr/bin/env python\nimport kaostest\nprint("value", kaostest.VALUE)\n'

test('requirements become an environment that programs run in, made once', async t => {
  const { build, lines, run } = await bench(t)

  const built = await build('# ours\nkaostest==1.2.3\n')
  const again = await build('# ours\nkaostest==1.2.3\n')

  assert.equal(built.state, 'succeeded', JSON.stringify(built))
  assert.equal(again.state, 'succeeded')
  if (built.state !== 'succeeded') return
  assert.match(await readFile(join(built.folder, 'requirements.lock'), 'utf8'), /kaostest/)
  const described = JSON.parse(await readFile(join(built.folder, 'environment.json'), 'utf8'))
  assert.equal(described.packages.kaostest, '1.2.3')
  assert.equal(lines.filter(line => line.startsWith('Making a virtual')).length, 1)
  assert.match(await run(USES, built.folder), /value 42\n/)
})

test('an environment that is gone from the cache is made again before the run', async t => {
  const { build, cache, run } = await bench(t)
  const built = await build('kaostest\n')
  assert.equal(built.state, 'succeeded')
  if (built.state !== 'succeeded') return

  await rm(cache, { recursive: true })
  const log = await run(USES, built.folder)

  assert.match(log, /value 42\n/)
})

test('a package that cannot be had is named with its file and line', async t => {
  const { build, cache, lines } = await bench(t)

  const built = await build('kaostest\nno-such-package==9\n')

  assert.equal(built.state, 'failed')
  assert.match(
    built.state === 'failed' ? built.reason : '',
    /requirements\.txt, line 2, "no-such-p/,
  )
  assert.ok(lines.some(line => line.includes('no-such-package')))
  assert.ok(!(await readdir(cache)).some(name => name.endsWith('.lock')))
})

test('a bundle without requirements needs no environment', async t => {
  const { build, lines } = await bench(t)

  const built = await build('# nothing yet\n\n')

  assert.equal(built.state, 'succeeded')
  assert.ok(!lines.some(line => line.startsWith('Making a virtual')))
})

test('a build that is told to stop leaves nothing behind and says why it ended', async t => {
  const { base, build, cache } = await bench(t)
  const told = new AbortController()
  const building = build('kaostest\n', told.signal)

  while (!existsSync(cache) || !(await readdir(cache)).some(name => name.endsWith('.lock'))) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  told.abort(new Error('enough'))

  await assert.rejects(building, /enough/)
  const left = (await readdir(cache)).filter(name => !name.startsWith('plain-'))
  assert.deepEqual(left, [])
  assert.equal(existsSync(join(base, '1', 'run')), false)
})

test('two builds of the same requirements at once make one environment', async t => {
  const { build, lines } = await bench(t)

  const both = await Promise.all([build('kaostest\n'), build('kaostest\n')])

  assert.deepEqual(
    both.map(built => built.state),
    ['succeeded', 'succeeded'],
  )
  assert.equal(lines.filter(line => line.startsWith('Making a virtual')).length, 1)
})
