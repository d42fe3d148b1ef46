/* Copies of a Neo4j ledger at one moment, and the copy that is kept before a migration. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before, type TestContext } from 'node:test'
import { newId } from '../../api/ids.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { toNeo4j } from '../../graph/neo4j/migrate.ts'
import { STEPS } from '../../graph/neo4j/schema.ts'
import { snapshotNeo4j } from '../../graph/neo4j/snapshot.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { place, prefix, sweep } from './neo4j-place.ts'
import { agent, ORGANISATION } from './stage.ts'

before(() => sweep('all'))
after(() => sweep('all'))

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const founder = agent()

/** Writes a fact and, in the same commit, a record that counts the facts. */
async function say(ledger: Ledger, count: number): Promise<void> {
  const id = newId()
  await ledger.commit({
    actor: founder.id,
    organisation: ORGANISATION,
    statements: [
      {
        type: 'data.imported',
        nodes: [founder, { id, class: 'entity', kind: 'data', attributes: { count } }],
        edges: [{ from: id, relation: 'wasAttributedTo', to: founder.id }],
        moves: [{ pointer: 'newest', target: id }],
      },
    ],
    records: [{ key: 'count', value: count }],
  })
}

test('a copy is of one moment, whatever is committed meanwhile: records fit the log', async t => {
  await sweep('content')
  const folder = await folderOf(t)
  const ledger = await openNeo4jLedger(place(), { prefix })
  t.after(() => ledger.close())
  let said = 0
  while (said < 20) await say(ledger, ++said)
  const end = new AbortController()
  const saying = (async () => {
    while (!end.signal.aborted) await say(ledger, ++said)
  })()

  const files = [1, 2, 3].map(n => join(folder, `${n}.sqlite`))
  for (const file of files) await snapshotNeo4j(place(), file, { prefix })
  end.abort()
  await saying

  assert.ok(said > 20)
  for (const file of files) {
    const copy = await openSqliteLedger(file)
    const { size } = await copy.head()
    const [count] = await copy.records('count')
    const [newest] = await copy.pointers('newest')
    assert.deepEqual(await copy.verify(), [])
    assert.equal(count?.value, size)
    assert.equal((await copy.node(newest!.target))?.attributes.count, size)
    assert.equal(copy.id, ledger.id)
    await copy.close()
  }
})

test('a copy that was broken off on its way in is begun anew', async t => {
  await sweep('content')
  const folder = await folderOf(t)
  const file = join(folder, 'ledger.sqlite')
  const source = await openSqliteLedger(file)
  for (let n = 1; n <= 3; n++) await say(source, n)
  const head = await source.head()
  await source.close()
  await toNeo4j(file, place(), { prefix })
  const { default: neo4j } = await import('neo4j-driver')
  const driver = neo4j.driver(place().url, neo4j.auth.basic(place().user, place().password))
  // The head comes last: so does it look before.
  await driver.executeQuery(`MATCH (h:${prefix}KaosHead) SET h.size = 0, h.peaks = ''`)
  await driver.close()

  const again = await toNeo4j(file, place(), { prefix })

  assert.deepEqual(again, head)
})

test('before a migration the ledger is copied into the data folder, and each step may be repeated', async t => {
  await sweep('content')
  const keepIn = await folderOf(t)
  const first = await openNeo4jLedger(place(), { prefix })
  await say(first, 1)
  const head = await first.head()
  await first.close()
  let fails = true
  const later = (): string[] => {
    if (fails) throw new Error('killed')
    return [
      `CREATE INDEX ${prefix}kaos_later IF NOT EXISTS FOR (x:${prefix}KaosStatement) ON (x.at)`,
    ]
  }
  const steps = [...STEPS, later]

  await assert.rejects(openNeo4jLedger(place(), { prefix, keepIn, steps }), /killed/)
  fails = false
  const migrated = await openNeo4jLedger(place(), { prefix, keepIn, steps })
  t.after(() => migrated.close())

  assert.deepEqual(await migrated.head(), head)
  const [kept = '', ...more] = await readdir(keepIn)
  assert.equal(kept, `before-schema-${STEPS.length + 1}-1`)
  assert.deepEqual(more, [])
  const copy = await openSqliteLedger(join(keepIn, kept, 'ledger.sqlite'))
  t.after(() => copy.close())
  assert.deepEqual(await copy.head(), head)
  const older = openNeo4jLedger(place(), { prefix })
  await assert.rejects(older, { code: 'SCHEMA_NEWER' })
})
