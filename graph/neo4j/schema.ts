/* Constraints and indexes, made by numbered steps, and the one head node. Community Edition has no
 * constraints on types or existence: what must hold of a row is checked before it is written. */
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Older } from '../keep-copy.ts'
import type { Connection } from './connection.ts'
import type { Names } from './names.ts'

/** The texts that make the next schema out of the one before it; they may be repeated. */
export type Step = (names: Names) => string[]

/** Step i makes schema i + 1 out of schema i. Steps are only ever added. */
export const STEPS: readonly Step[] = [
  names => {
    const { prov, statement, pointer, record, writer, prefix } = names
    const unique = (name: string, label: string, property: string) =>
      `CREATE CONSTRAINT ${prefix}kaos_${name} IF NOT EXISTS FOR (x:${label}) REQUIRE x.${property} IS UNIQUE`
    const index = (name: string, label: string, ...properties: string[]) =>
      `CREATE INDEX ${prefix}kaos_${name} IF NOT EXISTS FOR (x:${label}) ON (${properties
        .map(property => `x.${property}`)
        .join(', ')})`
    return [
      unique('prov_id', prov, 'id'),
      unique('prov_n', prov, 'n'),
      index('prov_kind', prov, 'organisation', 'kind', 'n'),
      index('prov_workspace', prov, 'organisation', 'workspace', 'n'),
      index('prov_place', prov, 'organisation', 'workspace', 'kind', 'n'),
      index('prov_name', prov, 'name', 'n'),
      index('prov_digest', prov, 'digest', 'n'),
      unique('statement_seq', statement, 'seq'),
      unique('pointer_current', pointer, 'current'),
      index('pointer_name', pointer, 'name', 'from'),
      unique('record_key', record, 'key'),
      index('record_expires', record, 'expires'),
      unique('writer_id', writer, 'id'),
    ]
  },
]

interface Options {
  readonly steps?: readonly Step[] | undefined
  /** Told of the ledger of an older kaos, before anything is changed. */
  keep?(older: Older): Promise<unknown>
}

/** Brings the database to today's schema; answers the ledger's id. A database of a newer kaos is left
 * as it is. */
export async function migrate(
  connection: Connection,
  names: Names,
  { steps = STEPS, keep }: Options = {},
): Promise<string> {
  await runAlone(
    connection,
    `CREATE CONSTRAINT ${names.prefix}kaos_head IF NOT EXISTS
     FOR (x:${names.head}) REQUIRE x.one IS UNIQUE`,
  )
  const [head] = await connection.write(ask =>
    ask(
      `MERGE (h:${names.head} {one: 1})
       ON CREATE SET h.id = $id, h.schema = 0, h.size = 0, h.peaks = '', h.at = 0, h.version = 0, h.n = 0
       RETURN h.id AS id, h.schema AS schema, h.size AS size`,
      { id: newId() },
    ),
  )
  const found = head?.schema as number
  if (found > steps.length) {
    throw new KaosError(
      'SCHEMA_NEWER',
      `the Neo4j database was written by a newer kaos (schema ${found}, this one knows ${steps.length}); start that version`,
      { detail: { found, known: steps.length } },
    )
  }
  const older = { schema: found, size: head?.size as number }
  if (found > 0 && found < steps.length) await keep?.(older)
  for (const [i, step] of steps.entries()) {
    if (i < found) continue
    for (const text of step(names)) await runAlone(connection, text)
    await connection.write(ask =>
      ask(`MATCH (h:${names.head} {one: 1}) SET h.schema = $schema`, { schema: i + 1 }),
    )
  }
  await connection.read('CALL db.awaitIndexes(60)')
  return head?.id as string
}

/** A change of the schema shares its transaction with nothing else. */
async function runAlone(connection: Connection, text: string): Promise<void> {
  await connection.write(ask => ask(text))
}
