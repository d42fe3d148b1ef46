import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sqliteEngine } from '../../bench/graph/engines.ts'
import { generate } from '../../bench/graph/generate.ts'
import { questionsOver } from '../../bench/graph/questions.ts'
import { growthRows, questionRows } from '../../bench/graph/rows.ts'
import type { Results } from '../../bench/graph/run.ts'
import { settingsOf } from '../../bench/graph/settings.ts'

test('the ledger and the query by hand give answers of the same size to every question', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-bench-'))
  t.after(() => rm(folder, { recursive: true }))
  const engine = sqliteEngine(generate(0.002), join(folder, 'graph.sqlite'))
  assert.equal(await engine.isThere(), false)
  await engine.load()
  assert.equal(await engine.isThere(), true)
  const { ours, byHand, close } = await engine.open()
  t.after(close)

  for (const { name, targets, query } of questionsOver(engine.made, 3)) {
    for (const target of targets) {
      const [found, expected] = [await ours(target, query), await byHand(target, query)]

      assert.ok(found > 1, name)
      assert.equal(found, expected, name)
    }
  }
})

test('a part of the graph keeps its shape, and is the same each time', () => {
  const [one, again] = [generate(0.02), generate(0.02)]

  assert.deepEqual(one, again)
  assert.ok(one.ends.length >= 1 && one.hubs.length >= 1)
  assert.ok(one.edges.length > one.nodes.length)
})

test('what is missed is printed as missed, and a peer that is not named is missing', () => {
  const [question] = questionsOver(generate(0.002), 1)
  const asked = { question: question!, ours: [6], byHand: [2], nodes: [10] }
  const engine = { name: 'SQLite', column: 0 }
  const results = { engine, asked: [asked], tenth: [{ ...asked, ours: [3] }] } as unknown as Results

  const [, row] = questionRows([results])
  const [, growth] = growthRows([results])

  assert.equal(row?.at(-1), 'miss, ratio miss')
  assert.equal(growth?.at(-1), 'miss')
  assert.equal(settingsOf([], {}).neo4j, undefined)
  assert.equal(settingsOf([], { KAOS_TEST_NEO4J_URL: 'bolt://x' }).neo4j?.url, 'bolt://x')
  assert.throws(() => settingsOf(['--scale', '2'], {}), /--scale is a number from/)
})
