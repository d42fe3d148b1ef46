/* An attacker has the whole database, and may recompute every hash in it. He lacks the signing key and
 * the checkpoint that somebody outside remembers. Whatever he does is found: either the ledger no
 * longer fits its own log, or it cannot be proved to continue the remembered one. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { describe, it } from 'node:test'
import { openCheckpoint, originOf, signedCheckpoint } from '../../api/checkpoint.ts'
import { append, EMPTY, rootOf, verifyConsistency } from '../../api/merkle.ts'
import { leafOf } from '../../graph/payload.ts'
import { openProofs } from '../../graph/proofs.ts'
import { openDatabase } from '../../graph/sqlite/database.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { rebuildProjection } from '../../graph/sqlite/rebuild.ts'
import { findDifferences } from '../../graph/sqlite/verify.ts'
import { type Chance, chanceOf, randomFacts } from './random.ts'
import { stagePerTest } from './stage.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 1000)
const STATEMENTS = 24

type Sql = (text: string, ...values: SQLInputValue[]) => Record<string, unknown>[]

/** Each changes something that matters; `null` when chance found nothing to change. */
const TAMPERINGS: Record<string, (sql: Sql, chance: Chance, file: string) => string | null> = {
  'a payload is edited': (sql, chance) => edited(sql, chance(STATEMENTS)),
  'a payload is edited and its leaf recomputed': (sql, chance) => {
    const seq = chance(STATEMENTS)
    const said = edited(sql, seq)
    relief(sql, seq)
    return said
  },
  'a payload is edited, and leaves, root and graph recomputed': (sql, chance, file) => {
    const seq = chance(STATEMENTS)
    const said = edited(sql, seq)
    relief(sql, seq)
    rehead(sql)
    rebuildQuietly(file)
    return said
  },
  'a salt is replaced and everything recomputed': (sql, chance) => {
    const seq = chance(STATEMENTS)
    sql('UPDATE statement SET salt = randomblob(16) WHERE seq = ?', seq)
    relief(sql, seq)
    rehead(sql)
    return `${seq}`
  },
  'a leaf is replaced': (sql, chance) => {
    const seq = chance(STATEMENTS)
    sql('UPDATE statement SET leaf = randomblob(32) WHERE seq = ?', seq)
    return `${seq}`
  },
  'a statement in the middle is removed': (sql, chance) => {
    const seq = chance(STATEMENTS - 1)
    sql('DELETE FROM statement WHERE seq = ?', seq)
    return `${seq}`
  },
  'the last statements are cut off and the head recomputed': (sql, chance, file) => {
    const seq = STATEMENTS - 1 - chance(STATEMENTS - 2)
    sql('DELETE FROM statement WHERE seq >= ?', seq)
    rehead(sql)
    rebuildQuietly(file)
    return `${seq}`
  },
  'two statements change places, all recomputed': (sql, chance, file) => {
    const first = chance(STATEMENTS - 1)
    const rows = sql(
      'SELECT payload FROM statement WHERE seq IN (?, ?) ORDER BY seq',
      first,
      first + 1,
    )
    const [a, b] = rows.map(row => String(row.payload))
    renumbered(sql, first, b!)
    renumbered(sql, first + 1, a!)
    rehead(sql)
    rebuildQuietly(file)
    return `${first}`
  },
  'a node of the graph is edited': (sql, chance) => {
    const rows = sql("SELECT n FROM node WHERE kind <> 'user'")
    const { n } = rows[chance(rows.length)]!
    sql("UPDATE node SET name = coalesce(name, '') || 'x' WHERE n = ?", n as number)
    return `${n}`
  },
  'an edge of the graph is removed': (sql, chance) => {
    const rows = sql('SELECT src, rel, dst FROM edge')
    const { src, rel, dst } = rows[chance(rows.length)] as Record<string, number>
    sql('DELETE FROM edge WHERE src = ? AND rel = ? AND dst = ?', src!, rel!, dst!)
    return `${src} ${rel} ${dst}`
  },
  'an edge is added to the graph': (sql, chance) => {
    const [{ n } = { n: 1 }] = sql('SELECT count(*) AS n FROM node') as { n: number }[]
    const [src, dst] = [1 + chance(n), 1 + chance(n)]
    const added = sql(
      'INSERT INTO edge VALUES (?, 3, ?, NULL, 5) ON CONFLICT DO NOTHING RETURNING src',
      src,
      dst,
    )
    return added.length === 0 ? null : `${src} ${dst}`
  },
  'a pointer is moved': (sql, chance) => {
    sql(
      "UPDATE pointer SET target = target || 'x' WHERE to_seq IS NULL AND name = ?",
      `p/${chance(3)}`,
    )
    return 'moved'
  },
  'an old place of a pointer is removed': sql => {
    const gone = sql('DELETE FROM pointer WHERE to_seq IS NOT NULL RETURNING name')
    return gone.length === 0 ? null : 'removed'
  },
  'the frontier of the head is edited': sql => {
    sql('UPDATE head SET peaks = randomblob(length(peaks))')
    return 'edited'
  },
  'the head counts fewer statements': sql => {
    sql('UPDATE head SET size = size - 1')
    return 'fewer'
  },
}

describe('a ledger in the hands of an attacker', () => {
  const stage = stagePerTest((folder, options) =>
    openSqliteLedger(join(folder, 'ledger.db'), options),
  )

  it(`is found out in each of ${ROUNDS} tamperings`, async t => {
    for (let i = 1; i < STATEMENTS; i++) {
      const facts = randomFacts(chanceOf(i), 6)
      await stage.say({ ...facts, moves: [{ pointer: `p/${i % 3}`, target: `v${i}` }] })
    }
    const remembered = await stage.ledger.head()
    const sound = join(stage.folder, 'ledger.db')
    await stage.ledger.close()
    const names = Object.keys(TAMPERINGS)
    const found: Record<string, number> = {}
    for (let round = 0; round < ROUNDS; round++) {
      const chance = chanceOf(round)
      const name = names[round % names.length]!
      const file = join(stage.folder, 'tampered.db')
      cpSync(sound, file)
      const what = tampered(file, name, chance)
      if (what === null) continue

      const seen = differences(file).length > 0 || !(await continues(file, remembered))

      assert.ok(seen, `round ${round}: ${name} (${what}) was not found`)
      found[name] = (found[name] ?? 0) + 1
    }
    t.diagnostic(`promise ledger changes=${ROUNDS} found=${JSON.stringify(found)}`)
    assert.ok(names.every(name => found[name]! > 0))
    assert.deepEqual(differences(sound), [])
    await stage.reopen()
  })

  it('cannot sign a checkpoint for what was made of it', async () => {
    const { size, root } = await stage.ledger.head()
    const origin = originOf(stage.ledger.id)
    const at = new Date(0).toISOString()
    const own = { name: origin, ...generateKeyPairSync('ed25519') }
    const known = { name: origin, ...generateKeyPairSync('ed25519') }

    const forged = signedCheckpoint({ origin, size: size + 1, root, at }, own)

    assert.throws(() => openCheckpoint(forged, [known]), { code: 'SIGNATURE_INVALID' })
  })
})

function tampered(file: string, name: string, chance: Chance): string | null {
  const database = new DatabaseSync(file)
  try {
    const sql: Sql = (text, ...values) => database.prepare(text).all(...values)
    return TAMPERINGS[name]!(sql, chance, file)
  } finally {
    if (database.isOpen) database.close()
  }
}

function differences(file: string): string[] {
  const database = openDatabase(file)
  try {
    return findDifferences(database)
  } finally {
    database.close()
  }
}

/** Whether the log can be proved to begin with what is remembered. */
async function continues(
  file: string,
  remembered: { size: number; root: string },
): Promise<boolean> {
  const ledger = await openSqliteLedger(file)
  try {
    const { size, root } = await ledger.head()
    if (size < remembered.size) return false
    const proof = await openProofs(ledger).consistency(remembered.size, size)
    return verifyConsistency({
      first: remembered.size,
      firstRoot: Buffer.from(remembered.root, 'hex'),
      second: size,
      secondRoot: Buffer.from(root, 'hex'),
      proof,
    })
  } finally {
    await ledger.close()
  }
}

function edited(sql: Sql, seq: number): string {
  const [row] = sql('SELECT payload FROM statement WHERE seq = ?', seq)
  const payload = String(row!.payload).replace('"type":"test.said"', '"type":"test.sold"')
  sql('UPDATE statement SET payload = ? WHERE seq = ?', payload, seq)
  return `${seq}`
}

function renumbered(sql: Sql, seq: number, payload: string): void {
  sql(
    'UPDATE statement SET payload = ? WHERE seq = ?',
    payload.replace(/"seq":\d+/, `"seq":${seq}`),
    seq,
  )
  relief(sql, seq)
}

/** The leaf that fits salt and payload. */
function relief(sql: Sql, seq: number): void {
  const [row] = sql('SELECT salt, payload FROM statement WHERE seq = ?', seq)
  const leaf = leafOf(row!.salt as Uint8Array, String(row!.payload))
  sql('UPDATE statement SET leaf = ? WHERE seq = ?', leaf, seq)
}

/** The head that fits the leaves. */
function rehead(sql: Sql): void {
  const leaves = sql('SELECT leaf FROM statement ORDER BY seq')
  const tree = leaves.reduce((all, row) => append(all, Buffer.from(row.leaf as Uint8Array)), EMPTY)
  assert.equal(rootOf(tree).length, 32)
  sql('UPDATE head SET size = ?, peaks = ?', tree.size, Buffer.concat([...tree.peaks]))
}

/** The graph that fits the log, where it can be built at all. */
function rebuildQuietly(file: string): void {
  try {
    rebuildProjection(file)
  } catch {
    // What cannot be rebuilt is found all the sooner.
  }
}
