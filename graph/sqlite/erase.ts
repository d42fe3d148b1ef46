/* Takes payloads out of the log (graph/erasure.ts), inside the transaction of the commit that says so. */
import { erasable, erasedAttributes } from '../erasure.ts'
import type { Erasure } from '../ledger.ts'
import type { Database } from './database.ts'

/** `by`: number of the statement that says so. Overwritten in the file, not only unlinked. */
export function erase(database: Database, { seq }: Erasure, by: number): void {
  const row = database.sql('SELECT payload FROM statement WHERE seq = ?').get(seq)
  const said = erasable(seq, row?.payload as string | null | undefined)
  database.exec('PRAGMA secure_delete = ON')
  try {
    database.sql('UPDATE statement SET payload = NULL, salt = NULL WHERE seq = ?').run(seq)
    const blank = database.sql(
      'UPDATE node SET name = NULL, attributes = :attributes WHERE id = :id AND seq = :seq',
    )
    const attributes = erasedAttributes(by)
    for (const { id } of said.nodes ?? []) blank.run({ id, seq, attributes })
  } finally {
    database.exec('PRAGMA secure_delete = OFF')
  }
}
