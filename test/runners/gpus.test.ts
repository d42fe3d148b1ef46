import assert from 'node:assert/strict'
import test from 'node:test'
import { devicesIn, findGpus, gpuFacts, noGpus, pickGpus } from '../../runners/gpus.ts'
import { standInGpus } from './stand-in-gpus.ts'

const GIB = 1024 ** 3

test('the GPUs of a host are told with model, memory, driver and CUDA version', async t => {
  await standInGpus(t, 2)

  const { devices, driver, cuda } = await findGpus()

  const known = { model: 'NVIDIA H100', memoryBytes: 80 * GIB }
  assert.deepEqual(devices, [
    { index: '0', uuid: 'GPU-0', ...known },
    { index: '1', uuid: 'GPU-1', ...known },
  ])
  assert.deepEqual([driver, cuda], ['550.54.15', '12.4'])
})

test('an operator says which are handed out, by number or by UUID', async t => {
  await standInGpus(t, 4)
  const indexes = async (only: string) => (await findGpus(only)).devices.map(({ index }) => index)

  assert.deepEqual(await indexes('2,GPU-0'), ['2', '0'])
  assert.deepEqual(await indexes('none'), [])
  await assert.rejects(indexes('7'), {
    code: 'CONFIGURATION',
    message: /"7", which this host does not have; there are: 0, 1, 2, 3/,
  })
})

test('a host without a driver has none', async () => {
  assert.deepEqual(await findGpus('all', '/nowhere/nvidia-smi'), { devices: [] })
})

test('a GPU that was cut up stands for its parts', () => {
  const list = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aa)
  MIG 3g.20gb     Device  0: (UUID: MIG-11)
  MIG 3g.20gb     Device  1: (UUID: MIG-22)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bb)
`
  const part = { model: 'NVIDIA A100-SXM4-40GB MIG 3g.20gb' }

  assert.deepEqual(devicesIn(list), [
    { index: '0:0', uuid: 'MIG-11', ...part },
    { index: '0:1', uuid: 'MIG-22', ...part },
    { index: '1', uuid: 'GPU-bb', model: 'NVIDIA A100-SXM4-40GB' },
  ])
})

test('each GPU goes to one program, and too few free ones are refused in the same words everywhere', () => {
  const all = ['0', '1', '2'].map(index => ({ index, uuid: `GPU-${index}`, model: 'X' }))

  const given = pickGpus(all, new Set(['1']), 2)

  assert.deepEqual(
    given.map(({ index }) => index),
    ['0', '2'],
  )
  assert.throws(() => pickGpus(all, new Set(['1']), 3), {
    code: 'RUNNER_UNAVAILABLE',
    message: /3 GPUs were asked for, and of the 3 of this host fewer are free/,
  })
  assert.match(noGpus(1, 0).message, /^1 GPU was asked for, and this host has none/)
  assert.deepEqual(gpuFacts(given, { devices: all, driver: '550', cuda: '12.4' }), {
    ...{ gpus: ['GPU 0: X (UUID: GPU-0)', 'GPU 2: X (UUID: GPU-2)'], gpuDriver: '550' },
    cuda: '12.4',
  })
  assert.deepEqual(gpuFacts([], { devices: all, driver: '550' }), {})
})
