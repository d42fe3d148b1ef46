import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { Trees } from '../../../runners/worker/trees.ts'

test('a tree cache is kept within one boot and dropped by the next, but for what is in use', async t => {
  const cache = mkdtempSync(join(tmpdir(), 'kaos-trees-'))
  t.after(() => rmSync(cache, { recursive: true }))
  const trees = new Trees(cache)
  await trees.tidy(new Set())
  for (const name of ['aa', 'bb']) mkdirSync(join(cache, name))

  await trees.tidy(new Set())
  assert.ok(existsSync(join(cache, 'aa')))

  writeFileSync(join(cache, '.boot'), 'another boot\n')
  await trees.tidy(new Set(['bb']))
  assert.deepEqual([existsSync(join(cache, 'aa')), existsSync(join(cache, 'bb'))], [false, true])
})
