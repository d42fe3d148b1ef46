import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { erasureOf } from '../../graph/erasure.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { rebuildProjection } from '../../graph/sqlite/rebuild.ts'
import { chanceOf, randomFacts } from './random.ts'
import { stagePerTest } from './stage.ts'

const fileIn = (folder: string) => join(folder, 'ledger.db')

describe('rebuilding the graph of a SQLite ledger', () => {
  const stage = stagePerTest((folder, options) => openSqliteLedger(fileIn(folder), options))
  const edit = (sql: string) => {
    const database = new DatabaseSync(fileIn(stage.folder))
    database.exec(sql)
    database.close()
  }

  async function fill(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      await stage.say(randomFacts(chanceOf(round), 30))
      await stage.say({ moves: [{ pointer: `p/${round % 2}`, target: `v${round}` }] })
    }
  }

  it('mends whatever was changed behind the back of the log', async () => {
    await fill()
    const before = await stage.ledger.pointers('')
    const nodes = await stage.ledger.nodes({ organisation: 'default', limit: 1000 })
    await stage.ledger.close()
    edit(`UPDATE node SET name = 'other' WHERE n = 3; DELETE FROM edge WHERE src = 5;
      UPDATE pointer SET target = 'x' WHERE to_seq IS NULL; DELETE FROM node WHERE n = 7`)

    const wrong = rebuildProjection(fileIn(stage.folder))

    assert.ok(wrong.length >= 3, wrong.join('\n'))
    await stage.reopen()
    assert.deepEqual(await stage.ledger.verify(), [])
    assert.deepEqual(await stage.ledger.pointers(''), before)
    assert.deepEqual(await stage.ledger.nodes({ organisation: 'default', limit: 1000 }), nodes)
    assert.equal(await stage.say({}), (await stage.ledger.head()).size - 1)
  })

  it('finds nothing to mend in a sound ledger, and changes nothing', async () => {
    await fill()
    const head = await stage.ledger.head()
    await stage.ledger.close()

    assert.deepEqual(rebuildProjection(fileIn(stage.folder)), [])
    await stage.reopen()
    assert.deepEqual(await stage.ledger.head(), head)
    assert.deepEqual(await stage.ledger.verify(), [])
  })

  it('keeps what erased statements made, which the log can no longer say', async () => {
    await fill()
    for (const seq of [1, 2]) {
      const { erasure } = await erasureOf(stage.ledger, seq)
      await stage.say({ erases: [erasure] })
    }
    await stage.ledger.close()
    const dump = () => {
      const database = new DatabaseSync(fileIn(stage.folder))
      const rows = [
        'SELECT id, seq FROM node ORDER BY n',
        'SELECT f.id AS f, rel, g.id AS g, role, e.seq FROM edge e JOIN node f ON f.n = src JOIN node g ON g.n = dst ORDER BY 1, 2, 3',
        'SELECT * FROM pointer ORDER BY name, from_seq',
      ].map(sql => database.prepare(sql).all())
      database.close()
      return rows
    }
    const before = dump()

    rebuildProjection(fileIn(stage.folder))

    assert.deepEqual(dump(), before)
    await stage.reopen()
    assert.deepEqual(await stage.ledger.verify(), [])
  })

  it('refuses when the log itself is damaged, and leaves all as it is', async () => {
    await fill()
    await stage.ledger.close()
    edit("UPDATE statement SET payload = replace(payload, 'test.said', 'test.sold') WHERE seq = 3")

    await stage.reopen()
    const damage = await stage.ledger.verify()
    await stage.ledger.close()

    assert.throws(() => rebuildProjection(fileIn(stage.folder)), { code: 'LEDGER_DAMAGED' })
    await stage.reopen()
    assert.match(damage[0]!, /statement 3: its payload does not have the hash of its leaf/)
    assert.deepEqual(await stage.ledger.verify(), damage)
  })
})
