import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openProcessRunner } from '../../../runners/process/process.ts'
import { logOf, type RunnerFixture, type Scene, sceneOf } from '../fixture.ts'
import { standInGpus } from '../stand-in-gpus.ts'
import { openProcessFixture } from './fixture.ts'

/** Says which GPUs it sees, and stays until it is ended. */
const LOOK = '#!/bin/sh\necho "sees [$CUDA_VISIBLE_DEVICES]"\nexec sleep 600\n'

async function started(
  t: Parameters<typeof sceneOf>[0],
  fixture: RunnerFixture,
  gpu?: number,
): Promise<Scene> {
  const resources = gpu === undefined ? {} : { gpu }
  const scene = await sceneOf(t, fixture, { program: { train: LOOK }, resources })
  await fixture.runner.run(scene.order, scene.place)
  return scene
}

async function seenBy(fixture: RunnerFixture, { place }: Scene): Promise<string> {
  await fixture.runner.stop(place, 0)
  return /sees \[(.*)\]/.exec(await logOf(fixture.runner, place))?.[1] ?? 'nothing was said'
}

test('two programs never share a GPU, and one that asked for none sees none', async t => {
  await standInGpus(t, 3)
  const fixture = await openProcessFixture([])
  t.after(() => fixture.close())

  const two = await started(t, fixture, 2)
  const one = await started(t, fixture, 1)
  const none = await started(t, fixture)
  await assert.rejects(started(t, fixture, 1), { code: 'RUNNER_UNAVAILABLE', message: /fewer are/ })
  const running = await fixture.runner.adopt(one.place)
  const measured = await fixture.runner.stats(one.place)
  const seen = []
  for (const scene of [two, one, none]) {
    // What a shell has said is in the log a moment later.
    while (!(await sawFirstLine(fixture, scene)))
      await new Promise(resolve => setTimeout(resolve, 20))
    seen.push(await seenBy(fixture, scene))
  }

  assert.deepEqual(seen, ['GPU-0,GPU-1', 'GPU-2', ''])
  assert.deepEqual(running?.environment.gpus, ['GPU 2: NVIDIA H100 (UUID: GPU-2)'])
  assert.deepEqual(
    [running?.environment.gpuDriver, running?.environment.cuda],
    ['550.54.15', '12.4'],
  )
  assert.deepEqual(
    measured?.gpus?.map(({ device }) => device),
    ['2'],
  )
})

async function sawFirstLine({ runner }: RunnerFixture, { place }: Scene): Promise<boolean> {
  const brief = AbortSignal.timeout(100)
  const pieces = []
  for await (const piece of runner.logs(place, 0, brief)) {
    pieces.push(piece)
    if (Buffer.concat(pieces).includes('sees')) return true
  }
  return false
}

test('the GPUs of a running program stay taken when the worker begins anew, until it ends', async t => {
  await standInGpus(t, 2)
  const first = await openProcessFixture([])
  t.after(() => first.close())
  const scene = await started(t, first, 1)
  const options = first.opener.options as Parameters<typeof openProcessRunner>[0]
  const runner = await openProcessRunner(options)
  const again: RunnerFixture = { ...first, runner }
  t.after(() => runner.close())

  const other = await started(t, again, 1)
  await assert.rejects(started(t, again, 1), { code: 'RUNNER_UNAVAILABLE' })
  await again.runner.stop(scene.place, 0)
  const freed = await started(t, again, 1)

  const gpus = async ({ place }: Scene) => (await again.runner.adopt(place))?.environment.gpus
  assert.deepEqual(await gpus(other), ['GPU 1: NVIDIA H100 (UUID: GPU-1)'])
  assert.deepEqual(await gpus(freed), ['GPU 0: NVIDIA H100 (UUID: GPU-0)'])
})

test('a host without GPUs says so to who asks for one', async t => {
  await standInGpus(t, 0)
  const fixture = await openProcessFixture([])
  t.after(() => fixture.close())

  await assert.rejects(started(t, fixture, 1), {
    code: 'RUNNER_UNAVAILABLE',
    message: /1 GPU was asked for, and this host has none/,
  })
})
