import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { cost, costs } from '../../bench/costs.ts'
import { filesIn, make, sumOf } from '../../bench/making.ts'
import { median, quantile } from '../../bench/measure.ts'
import { settingsOf } from '../../bench/settings.ts'
import { openDoor } from '../../bench/wire.ts'
import { Work } from '../../bench/work.ts'
import { W2, W2_CHANGED } from '../../bench/workloads.ts'

test('the work folder goes to the second version and back to the first, whole', t => {
  const folder = mkdtempSync(join(tmpdir(), 'kaos-work-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const v1 = make(W2, 1 / 100, folder)
  const changes = make(W2_CHANGED, 1 / 100, folder)
  const work = new Work(join(folder, 'work'), { v1, changes })

  work.change()
  const files = filesIn(work.folder).length
  const second = work.sum()
  work.revert()

  assert.equal(files, 101)
  assert.notEqual(second, v1.sha256)
  assert.equal(sumOf(work.folder), v1.sha256)
})

test('CPU of a program with all it started is counted, and its peak in memory is seen', async () => {
  const script = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'

  const busy = await cost('sh', ['-c', `sh -c '${script}'; exit 0`])

  assert.ok(busy.clientCpuMs >= 10, `${busy.clientCpuMs} ms`)
  assert.ok(busy.clientPeakBytes > 0)
})

test('steps are counted as one', async () => {
  const done = await costs([
    ['sh', '-c', 'echo first'],
    ['sh', '-c', 'echo second'],
  ])

  assert.equal(done.stdout, 'second\n')
})

test('a program that fails is an error with what it said', async () => {
  await assert.rejects(cost('sh', ['-c', 'echo why >&2; exit 3']), /ended with 3:\nwhy/)
})

test('the door counts every byte towards the server, and hands the answer back', async t => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('answer'))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const door = await openDoor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => door.close())

  const answer = await fetch(door.url, { method: 'POST', body: 'x'.repeat(100_000) })
  const text = await answer.text()

  const taken = door.taken()
  assert.equal(text, 'answer')
  assert.ok(taken > 100_000 && taken < 101_000, `${taken} bytes`)
  assert.equal(door.taken(), 0)
})

test('medians and quantiles are values that were measured', () => {
  assert.equal(median([5, 1, 3]), 3)
  assert.equal(quantile([5, 1, 3], 0.95), 5)
  assert.equal(quantile([4, 3, 2, 1], 0.5), 2)
})

test('settings that mean nothing are refused', () => {
  assert.equal(settingsOf(['store', '--small']).settings.scale, 1 / 64)
  assert.deepEqual(settingsOf(['store', '--only', 'W1,B6']).settings.only, ['W1', 'B6'])
  assert.deepEqual(settingsOf(['store', '--who', 'kaos,kit']).settings.who, ['kaos', 'kit'])
  assert.throws(() => settingsOf(['--scale', '2']), /--scale is a number/)
  assert.throws(() => settingsOf(['--rounds', '0']), /--rounds is a number/)
  assert.throws(() => settingsOf(['--only', 'W9']), /not W9/)
})
