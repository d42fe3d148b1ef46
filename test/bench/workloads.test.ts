import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { describe, filesIn, make, sumOf } from '../../bench/making.ts'
import { changedBytes, W1, W2, W2_CHANGED, W3, W4, W5 } from '../../bench/workloads.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kaos-workloads-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('every workload has the same bytes on every machine', () => {
  const small = [
    [W1, 1, 4_194_304, '72d99318a050678e45ec4efbf875e0158d99e361939a077ef49fbc6ec6545864'],
    [W4, 1, 4_215_274, '30619ec4ba7c67546fdcefcc8483bc4eee7f341a2afc5f6fb3771a65936f10d7'],
    [W2, 100, 10_557_688, '30ad72cb3651907ccf35c821527fa81c973205ed407552ca35e5767e6fbc1f69'],
    [W2_CHANGED, 2, 214_000, 'ede15beff6f3882bb8f1a5b471db41ad7236d0a26d47bbb1326b7089eef3e1e5'],
    [W3, 1000, 2_048_000, '20b075b013db7cb8e895c0eb9bc9a91328cb32a4b23c918f5bee7b78bc51de82'],
    [W5, 50, 512_000, 'ced21d51a49bed3e5435987fb48b0127232e512b47d75e076f2214c351241a2f'],
  ] as const

  for (const [workload, files, bytes, sha256] of small) {
    assert.deepEqual({ ...describe(workload, 1 / 256) }, { files, bytes, sha256 }, workload.name)
  }
})

test('a larger scale brings more of the same', () => {
  const one = [...W2.files(1 / 100)].map(file => [file.path, file.size])
  const two = [...W2.files(2 / 100)].map(file => [file.path, file.size])

  assert.equal(two.length, 200)
  assert.deepEqual(two.slice(0, 100), one)
})

test('at full scale the data sets have as many files as they say', () => {
  const count = (files: Iterable<unknown>) => [...files].length

  assert.equal(count(W2.files(1)), 10_000)
  assert.equal(count(W2_CHANGED.files(1)), 100)
  assert.equal(count(W3.files(1)), 100_000)
  assert.equal(count(W5.files(1)), 2000)
  assert.equal([...W1.files(1)][0]?.size, 1024 ** 3)
  assert.equal(changedBytes(1), 20 * 536_870)
})

test('the changed model is the model but for twenty places, ten of them longer', t => {
  const cache = folder(t)
  const before = readFileSync(join(make(W1, 1 / 256, cache).folder, 'model.bin'))
  const after = readFileSync(join(make(W4, 1 / 256, cache).folder, 'model.bin'))
  const length = changedBytes(1 / 256) / 20

  // Pieces of the model of this size, in their order, are found again unless a place cuts them.
  const piece = 4096
  let at = 0
  let lost = 0
  for (let from = 0; from + piece <= before.length; from += piece) {
    const found = after.indexOf(before.subarray(from, from + piece), at)
    if (found < 0) lost += piece
    else at = found + piece
  }

  assert.equal(after.length - before.length, 10 * length)
  assert.ok(lost >= 10 * length, `${lost} bytes were lost`)
  assert.ok(lost <= 10 * length + 40 * piece, `${lost} bytes were lost`)
})

test('the next data set rewrites files of the first and adds others in a folder of their own', () => {
  const first = new Set([...W2.files(1)].map(file => file.path))
  const next = [...W2_CHANGED.files(1)]

  assert.equal(next.filter(file => first.has(file.path)).length, 50)
  assert.equal(next.filter(file => file.path.startsWith('new/')).length, 50)
  assert.deepEqual(new Set(next.map(file => file.size)), new Set([107_000]))
})

test('the text is about half compressible', () => {
  const [file] = W2.files(1)
  const bytes = Buffer.concat([...(file?.blocks() ?? [])])

  const ratio = gzipSync(bytes).length / bytes.length

  assert.ok(ratio > 0.5 && ratio < 0.8, `it compresses to ${ratio}`)
})

test('what is made lies in the cache under its name, seed and scale, and is not made twice', t => {
  const cache = folder(t)

  const first = make(W3, 1 / 100, cache)
  const marked = join(first.folder, '000', '0000.txt')
  writeFileSync(marked, 'kept')
  const second = make(W3, 1 / 100, cache)

  assert.deepEqual(second, first)
  assert.equal(first.folder, join(cache, 'w3-3-0.01'))
  assert.equal(statSync(marked).size, 4)
})

test('the sum of a folder is that of the workload it was made from, and changes with one byte', t => {
  const made = make(W5, 1 / 40, folder(t))
  const [path = ''] = filesIn(made.folder)

  const whole = sumOf(made.folder)
  const bytes = readFileSync(join(made.folder, path))
  bytes[7] = (bytes[7] ?? 0) ^ 1
  writeFileSync(join(made.folder, path), bytes)

  assert.equal(whole, made.sha256)
  assert.notEqual(sumOf(made.folder), made.sha256)
})
