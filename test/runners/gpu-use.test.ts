import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gpusIn, openGpuLook } from '../../runners/gpu-use.ts'

const MIB = 1024 * 1024

test('the devices that a program was given are told, as nvidia-smi says they are', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-gpu-'))
  t.after(() => rm(folder, { recursive: true }))
  const program = join(folder, 'nvidia-smi')
  await writeFile(program, '#!/bin/sh\nprintf "0, 87, 40123\\n1, 0, 4\\n"\n', { mode: 0o755 })

  const look = openGpuLook(program)
  const [all, one] = await Promise.all([look(), look(['1'])])

  assert.deepEqual(all, [
    { device: '0', busy: 0.87, memoryBytes: 40123 * MIB },
    { device: '1', busy: 0, memoryBytes: 4 * MIB },
  ])
  assert.deepEqual(one, [{ device: '1', busy: 0, memoryBytes: 4 * MIB }])
})

test('a device that does not tell is left out, and so is a host without the program', async () => {
  const parsed = gpusIn('0, [N/A], 12\n1, 5, 7\nNVIDIA-SMI has failed\n')
  const without = await openGpuLook('/nowhere/nvidia-smi')()

  assert.deepEqual(parsed, [{ device: '1', busy: 0.05, memoryBytes: 7 * MIB }])
  assert.deepEqual(without, [])
})
