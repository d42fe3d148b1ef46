/* The connection breaks when the database has committed and before it says so: nobody knows, and the
 * driver does it all again. What was written stands in the log once. */
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { newId } from '../../api/ids.ts'
import { checkCommit } from '../../graph/commit.ts'
import { batchWriterOver } from '../../graph/neo4j/batch.ts'
import { type Connection, connect } from '../../graph/neo4j/connection.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { namesWith } from '../../graph/neo4j/names.ts'
import { place, prefix, sweep } from './neo4j-place.ts'

/** Statements in the log after one commit whose answer was lost. `between`: before it is done again. */
async function writtenBy(t: TestContext, between: (connection: Connection) => Promise<unknown>) {
  t.after(() => sweep('all'))
  const ledger = await openNeo4jLedger(place(), { prefix })
  t.after(() => ledger.close())
  const connection = await connect(place())
  t.after(() => connection.close())
  const forgetful: Connection = {
    ...connection,
    async write(work) {
      await connection.write(work)
      await between(connection)
      return connection.write(work)
    },
  }
  const actor = newId()
  const agent = { id: actor, class: 'agent' as const, kind: 'system', attributes: {} }
  const commit = { actor, organisation: 'default' }
  const statements = [{ type: 'system.began', nodes: [agent] }]
  const before = (await ledger.head()).size

  const writer = batchWriterOver(forgetful, namesWith(prefix), Date.now)
  const [outcome] = await writer.write([checkCommit({ ...commit, statements })])

  assert.ok(outcome && 'receipt' in outcome, 'the commit is acknowledged')
  return (await ledger.head()).size - before
}

test('a commit whose answer was lost is written once, however often the driver tries', async t => {
  const written = await writtenBy(t, async () => {})

  assert.equal(written, 1)
})

test('without the mark that it leaves it would be written twice: the test above bites', async t => {
  const { writer } = namesWith(prefix)
  const forget = ({ write }: Connection) => write(ask => ask(`MATCH (w:${writer}) DELETE w`))
  const written = await writtenBy(t, forget)

  assert.equal(written, 2)
})
