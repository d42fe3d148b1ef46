/* From the form of an older kaos to that of today, and of one that is still to come. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { STEPS } from '../../graph/sqlite/schema.ts'
import { requireForm } from '../../runners/form.ts'
import { LATER } from './migrating.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures', 'ledger-schema-1.sqlite.gz')
const FIRST = 1
const PROGRAM = join(import.meta.dirname, 'migrating.ts')
/** What the fixture's log was when it was written. */
const HEAD = {
  size: 3,
  root: 'e7ba9e176f5c2f8a29603e3ab46f6426986fd1faddafd53b892fc09a8f324ade',
}

async function older(t: TestContext): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'ledger.sqlite')
  await writeFile(file, gunzipSync(await readFile(FIXTURE)))
  return { folder, file }
}

/** Opens the file as a later kaos, and kills it in the step that is named; answers what it said. */
async function migrateIn(file: string, kill?: string): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line === kill) child.kill('SIGKILL')
  }
  return lines
}

test('a ledger of the first schema opens with the same root, and goes on', async t => {
  const { file, folder } = await older(t)

  const ledger = await openSqliteLedger(file)
  t.after(() => ledger.close())

  assert.deepEqual(await ledger.head(), HEAD)
  assert.deepEqual(await ledger.verify(), [])
  const [data] = await ledger.nodes({ organisation: 'default', kind: 'data' })
  assert.equal(data?.name, 'features:e23a2')
  const kept = (await readdir(folder)).filter(name => name.startsWith('before-'))
  assert.equal(kept.length, 1)
})

test('before the first step of a migration a copy is kept, which an older kaos can open', async t => {
  const { file, folder } = await older(t)

  const said = await migrateIn(file)

  assert.deepEqual(said, ['first', 'second', 'open'])
  const kept = (await readdir(folder)).filter(name => name.startsWith('before-schema-'))
  assert.deepEqual(kept, [`before-schema-${FIRST + 1}-${HEAD.size}`])
  const copy = await openSqliteLedger(join(folder, kept[0]!, 'ledger.sqlite'))
  t.after(() => copy.close())
  assert.deepEqual(await copy.head(), HEAD)
})

test('a migration that is killed in any step goes on at the next start, and loses nothing', async t => {
  const { file, folder } = await older(t)

  const said = [
    await migrateIn(file, 'first'),
    await migrateIn(file, 'first'),
    await migrateIn(file, 'second'),
    await migrateIn(file),
  ]

  assert.deepEqual(said, [['first'], ['first'], ['first', 'second'], ['second', 'open']])
  const ledger = await openSqliteLedger(file, { steps: [...STEPS, ...LATER] })
  t.after(() => ledger.close())
  assert.deepEqual(await ledger.head(), HEAD)
  assert.deepEqual(await ledger.verify(), [])
  const copies = (await readdir(folder)).filter(name => name.startsWith('before-schema-'))
  // One for each schema that was met at a start: the first, today's, and the one that follows it.
  const met = [FIRST, STEPS.length, STEPS.length + 1]
  assert.deepEqual(
    copies,
    met.map(schema => `before-schema-${schema + 1}-${HEAD.size}`),
  )
})

test('the kaos of before refuses what a later one has migrated, and changes nothing', async t => {
  const { file } = await older(t)
  await migrateIn(file)

  const opening = openSqliteLedger(file)

  await assert.rejects(opening, { code: 'SCHEMA_NEWER', message: /start that version/ })
  const database = new DatabaseSync(file, { readOnly: true })
  const schema = database.prepare('SELECT schema FROM meta').get()?.schema
  database.close()
  assert.equal(schema, STEPS.length + 2)
})

test('a worker leaves the folder of a newer one alone', async t => {
  const { folder } = await older(t)
  const worker = join(folder, 'worker')
  await requireForm(worker)
  await requireForm(worker)
  await writeFile(join(worker, 'form.json'), '{"form":99}')

  await assert.rejects(requireForm(worker), { code: 'SCHEMA_NEWER', message: /form 99/ })
})
