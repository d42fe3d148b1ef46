import assert from 'node:assert/strict'
import test from 'node:test'
import { checkResources, memoryText, parseCpu, parseGpu, parseMemory } from '../../api/resources.ts'

test('memory is read in bytes, thousands and powers of two', () => {
  const cases: [string, number][] = [
    ['1048576', 1_048_576],
    ['512k', 512_000],
    ['1.5G', 1_500_000_000],
    ['2T', 2e12],
    ['1P', 1e15],
    ['4Ki', 4096],
    ['512Mi', 536_870_912],
    ['2Gi', 2_147_483_648],
    ['1Ti', 1024 ** 4],
    ['1Pi', 1024 ** 5],
  ]

  assert.deepEqual(
    cases.map(([text]) => parseMemory(text)),
    cases.map(([, bytes]) => bytes),
  )
})

test('what is no amount of memory is refused with an example of one', () => {
  for (const text of ['', 'lots', '5X', '-1G', '0', '1 G', '1e3', '99999999P', '5ki']) {
    assert.throws(() => parseMemory(text), { code: 'MEMORY_REQUEST_ERROR', message: /512Mi/ })
  }
})

test('cores may be fractions, devices are whole', () => {
  assert.equal(parseCpu('0.5'), 0.5)
  assert.equal(parseCpu('.5'), 0.5)
  assert.equal(parseGpu('2'), 2)
  assert.throws(() => parseCpu('0'), { code: 'CPU_REQUEST_ERROR' })
  assert.throws(() => parseCpu('two'), { code: 'CPU_REQUEST_ERROR' })
  assert.throws(() => parseGpu('0.5'), { code: 'GPU_REQUEST_ERROR' })
})

test('more than the host has is refused, naming what was asked for and what is there', () => {
  const host = { cpus: 2, memoryBytes: 4 * 1024 ** 3, gpus: 0 }

  checkResources({ cpu: 2, memoryBytes: 4 * 1024 ** 3, gpu: 0 }, host)
  checkResources({}, host)
  assert.throws(() => checkResources({ cpu: 3 }, host), {
    code: 'CPU_REQUEST_ERROR',
    message: /3 cores .* this host has 2/,
  })
  assert.throws(() => checkResources({ memoryBytes: 8 * 1024 ** 3 }, host), {
    code: 'MEMORY_REQUEST_ERROR',
    message: /8Gi .* this host has 4Gi/,
  })
  assert.throws(() => checkResources({ gpu: 1 }, host), {
    code: 'GPU_REQUEST_ERROR',
    message: /1 GPUs .* this host has 0/,
    detail: { requested: 1, available: 0 },
  })
})

test('amounts of memory are shown with the unit that fits', () => {
  assert.equal(memoryText(512), '512')
  assert.equal(memoryText(1.5 * 1024 ** 3), '1.5Gi')
})
