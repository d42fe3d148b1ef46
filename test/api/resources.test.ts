import assert from 'node:assert/strict'
import test from 'node:test'
import {
  checkResources,
  memoryText,
  parseCpu,
  parseGpu,
  parseLabels,
  parseMemory,
} from '../../api/resources.ts'

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

const GIB = 1024 ** 3
const small = { name: 'small', labels: ['ssd'], cpus: 2, memoryBytes: 4 * GIB, gpus: 0 }
const large = { name: 'large', labels: ['gpu'], cpus: 64, memoryBytes: 512 * GIB, gpus: 8 }

test('more than any worker has is refused, naming what was asked for and the largest', () => {
  checkResources({ cpu: 2, memoryBytes: 4 * GIB, gpu: 0 }, [small])
  checkResources({}, [small])
  checkResources({ cpu: 64, gpu: 8, labels: ['gpu'] }, [small, large])
  assert.throws(() => checkResources({ cpu: 3 }, [small]), {
    code: 'CPU_REQUEST_ERROR',
    message: /3 cores .* \(small\) has 2 cores/,
  })
  assert.throws(() => checkResources({ memoryBytes: 8 * GIB }, [small]), {
    code: 'MEMORY_REQUEST_ERROR',
    message: /8Gi .* has 4Gi/,
  })
  assert.throws(() => checkResources({ gpu: 9 }, [small, large]), {
    code: 'GPU_REQUEST_ERROR',
    message: /9 GPUs .* the largest worker \(large\) has 8 GPUs/,
    detail: { requested: 9, available: 8 },
  })
})

test('one worker must have all of it together', () => {
  const wide = { ...small, name: 'wide', cpus: 128 }

  checkResources({ cpu: 128 }, [wide, large])
  assert.throws(() => checkResources({ cpu: 128, gpu: 1 }, [wide, large]), {
    code: 'CPU_REQUEST_ERROR',
    message: /\(large\) has 64 cores/,
  })
  assert.throws(() => checkResources({ gpu: 1, labels: ['ssd'] }, [small, large]), {
    code: 'GPU_REQUEST_ERROR',
    message: /the largest worker with label ssd \(small\) has 0 GPUs/,
  })
})

test('a label that no worker carries is refused, naming those that there are', () => {
  assert.throws(() => checkResources({ labels: ['tpu'] }, [small, large]), {
    code: 'LABEL_REQUEST_ERROR',
    message: /no worker carries label tpu \(there are gpu, ssd\)/,
  })
  assert.deepEqual(parseLabels(['gpu,bigmem', 'gpu']), ['bigmem', 'gpu'])
  assert.deepEqual(parseLabels(['none']), [])
  assert.throws(() => parseLabels(['a b']), { code: 'LABEL_REQUEST_ERROR' })
})

test('amounts of memory are shown with the unit that fits', () => {
  assert.equal(memoryText(512), '512')
  assert.equal(memoryText(1.5 * 1024 ** 3), '1.5Gi')
})
