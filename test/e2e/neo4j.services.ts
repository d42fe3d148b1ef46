/* The whole program over a real Neo4j. The server writes without a prefix, so what it wrote goes
 * before and after; suites with a real Neo4j run one after another. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { place, sweep } from '../graph/neo4j-place.ts'
import { cli, folder, startServer } from './kaos.ts'
import { walkthrough } from './walkthrough.ts'

function environment(): NodeJS.ProcessEnv {
  const { url, user, password } = place()
  return { KAOS_NEO4J_URL: url, KAOS_NEO4J_USER: user, KAOS_NEO4J_PASSWORD: password }
}

test('the walkthrough passes with the ledger in Neo4j, in the words of PROV', async t => {
  await sweep('content', '')
  t.after(() => sweep('all', ''))

  const { answer, modelId } = await walkthrough(t, { KAOS_RUNNER: 'process', ...environment() })

  assert.deepEqual(answer, { result: [3] })
  const ledger = await openNeo4jLedger(place())
  t.after(() => ledger.close())
  assert.deepEqual(await ledger.verify(), [])
  const { default: neo4j } = await import('neo4j-driver')
  const driver = neo4j.driver(place().url, neo4j.auth.basic(place().user, place().password))
  const { records } = await driver.executeQuery(
    'MATCH (m:Model)-[:wasGeneratedBy]->(:Train)-[:used]->(d:DataBundle) RETURN m.name AS m, d.name AS d',
  )
  await driver.close()
  assert.equal(records[0]?.get('m'), modelId)
  assert.match(records[0]?.get('d'), /^features:[0-9a-f]{5}$/)
})

test('what was acknowledged is there after the server was killed, and both folders must fit', async t => {
  await sweep('content', '')
  t.after(() => sweep('all', ''))
  const data = folder(t)
  const kaos = cli(folder(t))
  const first = await startServer(data, { env: environment() })
  await kaos('init', '-e', first.url)
  const created = await kaos('workspace', 'create', '-n', 'kept')
  await first.kill()
  const port = Number(new URL(first.url).port)
  const second = await startServer(data, { port, env: environment() })
  const listed = await kaos('workspace', 'list')
  const verified = await kaos('ledger', 'verify', '--full')
  await second.stop()

  const stranger = startServer(folder(t), { env: environment() })

  assert.equal(created.code, 0, created.stderr)
  assert.match(listed.stdout, /kept/)
  assert.equal(verified.code, 0, verified.stderr)
  await assert.rejects(stranger, /belongs to the store/)
})
