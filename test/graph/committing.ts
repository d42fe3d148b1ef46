/* A program that commits until it is killed, and says what was acknowledged, a line each: number of
 * the statement, id of its node, version of its record. Argument: the file of the ledger, or `neo4j`
 * and the prefix of one in the tests' Neo4j. */
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { newId } from '../../api/ids.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { place } from './neo4j-place.ts'

const [what, prefix = ''] = argv.slice(2)
const ledger =
  what === 'neo4j' ? await openNeo4jLedger(place(), { prefix }) : await openSqliteLedger(what!)
const actor = newId()

async function commitForEver(): Promise<never> {
  for (;;) {
    const id = newId()
    const { seqs, versions } = await ledger.commit({
      actor,
      organisation: 'default',
      statements: [
        {
          type: 'data.imported',
          nodes: [
            { id: actor, class: 'agent', kind: 'system', attributes: {} },
            { id, class: 'entity', kind: 'data', attributes: { text: 'x'.repeat(500) } },
          ],
          edges: [{ from: id, relation: 'wasAttributedTo', to: actor }],
          moves: [{ pointer: 'newest', target: id }],
        },
      ],
      records: [{ key: `import/${id}`, value: 'done' }],
    })
    writeSync(1, `${seqs[0]} ${id} ${versions[0]}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, commitForEver))
