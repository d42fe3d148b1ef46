/* Where the tests' Neo4j is, and how what this run wrote is removed again. */
import { randomBytes } from 'node:crypto'
import neo4j from 'neo4j-driver'
import type { Neo4jPlace } from '../../graph/neo4j/connection.ts'
import { namesWith } from '../../graph/neo4j/names.ts'

/** Letters only: it begins labels. */
export const prefix = `T${randomBytes(6)
  .toString('hex')
  .replace(/\d/g, digit => 'ghijklmnop'[Number(digit)]!)}`

export function place(): Neo4jPlace {
  const { KAOS_TEST_NEO4J_URL, KAOS_TEST_NEO4J_USER, KAOS_TEST_NEO4J_PASSWORD } = process.env
  if (!KAOS_TEST_NEO4J_URL || !KAOS_TEST_NEO4J_USER || !KAOS_TEST_NEO4J_PASSWORD) {
    throw new Error('KAOS_TEST_NEO4J_URL, _USER and _PASSWORD must name a Neo4j for tests')
  }
  return {
    url: KAOS_TEST_NEO4J_URL,
    user: KAOS_TEST_NEO4J_USER,
    password: KAOS_TEST_NEO4J_PASSWORD,
  }
}

/** Removes what was written under a prefix, by default this run's; `all`: constraints and indexes too. */
export async function sweep(what: 'content' | 'all', of = prefix): Promise<void> {
  const { url, user, password } = place()
  const driver = neo4j.driver(url, neo4j.auth.basic(user, password))
  const { prov, statement, pointer, record, head, writer } = namesWith(of)
  try {
    for (const label of [prov, statement, pointer, record, head, writer]) {
      await driver.executeQuery(`MATCH (x:${label}) DETACH DELETE x`)
    }
    if (what === 'content') return
    const { records } = await driver.executeQuery(
      `SHOW CONSTRAINTS YIELD name WHERE name STARTS WITH $prefix RETURN name`,
      { prefix: `${of}kaos_` },
    )
    for (const row of records) await driver.executeQuery(`DROP CONSTRAINT ${row.get('name')}`)
    const indexes = await driver.executeQuery(
      `SHOW INDEXES YIELD name WHERE name STARTS WITH $prefix RETURN name`,
      { prefix: `${of}kaos_` },
    )
    for (const row of indexes.records) await driver.executeQuery(`DROP INDEX ${row.get('name')}`)
  } finally {
    await driver.close()
  }
}
