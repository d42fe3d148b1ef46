/* Removes what was written into a Neo4j under a prefix: nodes, constraints, indexes. */
import neo4j from 'neo4j-driver'
import type { Neo4jPlace } from '../../graph/neo4j/connection.ts'
import { namesWith } from '../../graph/neo4j/names.ts'

const ROWS = 1000

export async function removeAll(place: Neo4jPlace, prefix: string): Promise<void> {
  if (prefix === '') throw new Error('only what has a prefix is removed')
  const driver = neo4j.driver(place.url, neo4j.auth.basic(place.user, place.password))
  const { prov, statement, pointer, record, head, writer } = namesWith(prefix)
  const session = driver.session()
  try {
    for (const label of [prov, statement, pointer, record, head, writer]) {
      await session.run(
        `MATCH (x:${label}) CALL (x) { DETACH DELETE x } IN TRANSACTIONS OF ${ROWS} ROWS`,
      )
    }
    for (const [what, drop] of [
      ['CONSTRAINTS', 'CONSTRAINT'],
      ['INDEXES', 'INDEX'],
    ]) {
      const named = `SHOW ${what} YIELD name WHERE name STARTS WITH $prefix RETURN name`
      const { records } = await session.run(named, { prefix: `${prefix}kaos_` })
      for (const row of records) await session.run(`DROP ${drop} ${row.get('name')}`)
    }
  } finally {
    await session.close()
    await driver.close()
  }
}
