/* What verify finds when somebody edits the file of a SQLite ledger. Each edit is on a copy of one
 * sound ledger; the twin of these tests, that a sound ledger has no findings, is in the conformance
 * suite and in the first test here. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { erasureOf } from '../../graph/erasure.ts'
import { openDatabase } from '../../graph/sqlite/database.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { findDifferences } from '../../graph/sqlite/verify.ts'
import { activity, agent, derived, entity } from './stage.ts'

const person = agent()
const [data, trial, model] = [entity(), activity(), entity({ kind: 'model', name: 'm' })]

const STATEMENTS = [
  { nodes: [person] },
  { nodes: [data], moves: [{ pointer: 'current', target: data.id }] },
  {
    nodes: [trial],
    edges: [{ from: trial.id, relation: 'used' as const, to: data.id, role: 'data' }],
  },
  {
    nodes: [model],
    edges: [derived(model, data)],
    moves: [{ pointer: 'current', target: model.id }],
    detail: { why: 'better' },
  },
  { edges: [derived(model, data)], moves: [{ pointer: 'other', target: 'x' }] },
]

const EDITS: readonly [string, string, RegExp][] = [
  [
    'an edited payload',
    `UPDATE statement SET payload = replace(payload, 'better', 'bitter') WHERE seq = 3`,
    /^statement 3: its payload does not have the hash of its leaf$/,
  ],
  [
    'a payload with another time',
    'UPDATE statement SET at = at + 1 WHERE seq = 4',
    /^statement 4: number or time are not those of its payload$/,
  ],
  [
    'a salt that was taken away',
    'UPDATE statement SET salt = NULL WHERE seq = 1',
    /^statement 1: its payload/,
  ],
  [
    'an exchanged leaf',
    `UPDATE statement SET payload = NULL, salt = NULL, leaf = zeroblob(32) WHERE seq = 2`,
    /^the root of the head is not the root of the leaves$/,
  ],
  ['a removed statement', 'DELETE FROM statement WHERE seq = 2', /^statements 2 to 2 are missing$/],
  [
    'a removed last statement',
    'DELETE FROM statement WHERE seq = 4',
    /^the head counts 5 statements, the log holds 4$/,
  ],
  [
    'exchanged statements',
    `UPDATE statement SET seq = 1 - seq * 10 WHERE seq IN (2, 3);
     UPDATE statement SET seq = 3 WHERE seq = -19;
     UPDATE statement SET seq = 2 WHERE seq = -29`,
    /^statement 2: number or time are not those of its payload$/,
  ],
  [
    'an invented statement',
    `INSERT INTO statement SELECT 5, at, salt, leaf, payload FROM statement WHERE seq = 4`,
    /^the head counts 5 statements, the log holds 6$/,
  ],
  ['an edited head', 'UPDATE head SET peaks = zeroblob(64)', /^the root of the head/],
  [
    'an edited node',
    `UPDATE node SET attributes = '{"accuracy":1}' WHERE id = '${model.id}'`,
    new RegExp(`^node ${model.id} is not what the log says$`),
  ],
  [
    'a renamed node',
    `UPDATE node SET name = NULL WHERE id = '${model.id}'`,
    new RegExp(`^node ${model.id} is not what the log says$`),
  ],
  [
    'a node that no statement made',
    `INSERT INTO node SELECT 99, 'f00', class, kind, organisation, workspace, digest, name, seq, at,
       attributes FROM node WHERE id = '${data.id}'`,
    /^node f00 is not in the log$/,
  ],
  [
    'a removed node',
    `DELETE FROM node WHERE id = '${model.id}'`,
    new RegExp(`^node ${model.id} of statement 3 is missing in the graph$`),
  ],
  [
    'a removed edge',
    'DELETE FROM edge WHERE rel = 3',
    new RegExp(`^edge ${model.id} to ${data.id} \\(wasDerivedFrom\\) of statement 3 is missing`),
  ],
  [
    'an edge in another role',
    `UPDATE edge SET role = 'code' WHERE rel = 1`,
    new RegExp(`^edge ${trial.id} to ${data.id} \\(used, statement 2\\) is not what the log says$`),
  ],
  [
    'an edge that was turned',
    'UPDATE edge SET src = dst, dst = src WHERE rel = 3',
    new RegExp(`^edge ${data.id} to ${model.id} \\(wasDerivedFrom, statement 3\\) is not`),
  ],
  [
    'a moved pointer',
    `UPDATE pointer SET target = '${data.id}' WHERE name = 'current' AND to_seq IS NULL`,
    /^pointer current since statement 3 is not what the log says$/,
  ],
  [
    'a pointer that was taken away',
    `UPDATE pointer SET to_seq = 4 WHERE name = 'current' AND to_seq IS NULL`,
    /^pointer current since statement 3 is not what the log says$/,
  ],
  [
    'a forgotten move',
    `DELETE FROM pointer WHERE name = 'other'`,
    /^pointer other since statement 4 is missing in the graph$/,
  ],
]

describe('verify of a SQLite ledger', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kaos-ledger-'))
    await makeLedger(join(folder, 'sound.db'))
  })
  after(() => rm(folder, { recursive: true }))

  /** What verify finds in a copy after this edit; here without its thread, which takes longer to
   * start than the question does. */
  /** `erased`: a statement that is erased, as the law wants it, before the edit. */
  async function findingsAfter(sql: string, erased?: number): Promise<string[]> {
    const copy = await copyOf('sound.db')
    if (erased !== undefined) {
      const ledger = await openSqliteLedger(copy)
      const { erasure } = await erasureOf(ledger, erased)
      const statements = [{ type: 'statement.erased', erases: [erasure] }]
      await ledger.commit({ actor: person.id, organisation: 'default', statements })
      await ledger.close()
    }
    const editor = new DatabaseSync(copy)
    editor.exec(sql)
    editor.close()
    return findingsIn(copy)
  }

  async function copyOf(name: string): Promise<string> {
    const copy = join(folder, 'edited.db')
    await copyFile(join(folder, name), copy)
    return copy
  }

  it('finds nothing where nothing was edited', async () => {
    assert.deepEqual(await findingsAfter(''), [])
  })

  for (const [what, sql, finding] of EDITS) {
    it(`finds ${what}`, async () => {
      const findings = await findingsAfter(sql)

      assert.ok(
        findings.some(sentence => finding.test(sentence)),
        findings.join('\n'),
      )
    })
  }

  it('finds an index that is not what its table is', async () => {
    const copy = await copyOf('sound.db')
    const at = lastByteOf(copy, 'edge_reverse')
    const bytes = await readFile(copy)
    bytes[at]! ^= 1
    await writeFile(copy, bytes)

    const findings = findingsIn(copy)

    assert.ok(findings.length > 0)
    assert.ok(findings.every(sentence => /^the file is damaged: .*edge_reverse/.test(sentence)))
  })

  it('finds a payload that is gone although no statement erased it', async () => {
    for (const seq of [0, 1, 2, 3, 4]) {
      const [finding] = await findingsAfter(
        `UPDATE statement SET payload = NULL, salt = NULL WHERE seq = ${seq}`,
      )

      const said = `statement ${seq} has no payload, and no statement says that it was erased`
      assert.equal(finding, said)
    }
  })

  it('still finds edits of what an erased statement made, and of what stands beside it', async () => {
    const left = `what statement 2 made is not what it was when it was erased`
    const blank = `node ${trial.id} of statement 2, which was erased, has a name or attributes`
    const edits: readonly [string, string[]][] = [
      ['SELECT 1', []],
      ['DELETE FROM edge WHERE rel = 1', [left]],
      [`UPDATE node SET kind = 'train' WHERE seq = 2`, [left]],
      [`UPDATE node SET name = 'x' WHERE seq = 2`, [blank]],
      [`UPDATE node SET attributes = '{"erased":1}' WHERE seq = 2`, [blank]],
      ['DELETE FROM edge WHERE rel = 3', [`edge ${model.id} to ${data.id} (wasDerivedFrom)`]],
    ]
    for (const [edit, expected] of edits) {
      const findings = await findingsAfter(edit, 2)

      assert.equal(findings.length, expected.length, `${edit}: ${findings.join('; ')}`)
      expected.forEach((text, i) => {
        assert.ok(findings[i]?.startsWith(text), findings[i])
      })
    }
  })

  it('tells the first hundred of many differences and counts the rest', async () => {
    const findings = await findingsAfter(`
      WITH RECURSIVE i(n) AS (VALUES (100) UNION SELECT n + 1 FROM i LIMIT 150)
      INSERT INTO node SELECT n, 'id' || n, 'entity', 'data', 'o', NULL, NULL, NULL, 0, 0, '{}' FROM i`)

    assert.equal(findings.length, 101)
    assert.equal(findings.at(-1), 'and 50 more differences')
  })
})

async function makeLedger(file: string): Promise<void> {
  const ledger = await openSqliteLedger(file)
  for (const statement of STATEMENTS) {
    const statements = [{ type: 'test.said', ...statement }]
    await ledger.commit({ actor: person.id, organisation: 'default', statements })
  }
  await ledger.close()
}

function findingsIn(file: string): string[] {
  const database = openDatabase(file, { readOnly: true })
  try {
    return findDifferences(database)
  } finally {
    database.close()
  }
}

/** Where the first page of a table or index ends in its file; its oldest entry stands there. */
function lastByteOf(file: string, name: string): number {
  const database = new DatabaseSync(file)
  const page = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)
  const size = database.prepare('PRAGMA page_size').get()
  database.close()
  return (page?.rootpage as number) * (size?.page_size as number) - 1
}
