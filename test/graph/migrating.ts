/* A program that opens a SQLite ledger as a kaos of two schemas later would, says each step that it
 * begins, and takes its time in it. Argument: the file. */
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { STEPS, type Step } from '../../graph/sqlite/schema.ts'

const pause = new Int32Array(new SharedArrayBuffer(4))

/** As steps are: each can be taken once alone, and leaves something that one can see. */
export const LATER: readonly Step[] = ['first', 'second'].map(name => database => {
  writeSync(1, `${name}\n`)
  database.exec(`CREATE TABLE ${name}_new (seq INTEGER PRIMARY KEY) STRICT`)
  database.exec(`INSERT INTO ${name}_new SELECT seq FROM statement`)
  Atomics.wait(pause, 0, 0, 150)
})

const [file] = argv.slice(2)
if (file !== undefined) {
  const ledger = await openSqliteLedger(file, { steps: [...STEPS, ...LATER] })
  await ledger.close()
  writeSync(1, 'open\n')
}
