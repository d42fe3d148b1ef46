import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openSqliteLedger } from '../../../graph/sqlite/ledger.ts'
import { firstAfter, ledgerAsOf, momentOf, timeOf } from '../../../server/provenance/moment.ts'
import { entity, NOON, ORGANISATION, stagePerTest } from '../../graph/stage.ts'

describe('a moment of the ledger', () => {
  const stage = stagePerTest((folder, options) =>
    openSqliteLedger(join(folder, 'ledger.sqlite'), options ?? {}),
  )

  it('is the last statement that is not younger, whatever lies between', async () => {
    for (let i = 1; i <= 20; i++) {
      stage.clock = NOON + i * 60_000
      await stage.say({ nodes: [entity()] })
    }
    const at = (minutes: number) => new Date(NOON + minutes * 60_000).toISOString()

    assert.equal(await momentOf(stage.ledger, at(0)), 0)
    assert.equal(await momentOf(stage.ledger, at(7)), 7)
    assert.equal(await momentOf(stage.ledger, at(7.5)), 7)
    assert.equal(await momentOf(stage.ledger, at(1000)), 20)
    assert.equal(await momentOf(stage.ledger, '13'), 13)
    assert.equal(await firstAfter(stage.ledger, NOON - 1), 0)
    await assert.rejects(momentOf(stage.ledger, at(-1)), { code: 'NOT_FOUND' })
  })

  it('is UTC where no zone is named, and a day its first instant', () => {
    assert.equal(timeOf('2026-01-01'), Date.parse('2026-01-01T00:00:00Z'))
    assert.equal(timeOf('2026-01-01 12:30'), Date.parse('2026-01-01T12:30:00Z'))
    assert.equal(timeOf('2026-01-01T12:30:00+02:00'), Date.parse('2026-01-01T10:30:00Z'))
    for (const text of ['', 'now', '2026', '2026-13-01', '12:00']) {
      assert.throws(() => timeOf(text), { code: 'BAD_REQUEST' })
    }
  })

  it('shows nodes, names and pointers as they were', async () => {
    const [first, second] = [entity({ name: 'x' }), entity({ name: 'x' })]
    const then = await stage.say({
      nodes: [first],
      moves: [{ pointer: 'tag', target: first.id }],
    })
    await stage.say({
      nodes: [second],
      edges: [{ from: second.id, relation: 'wasDerivedFrom', to: first.id }],
      moves: [{ pointer: 'tag', target: second.id }],
    })

    const ledger = ledgerAsOf(stage.ledger, then)

    assert.equal(await ledger.node(second.id), undefined)
    const nodes = await ledger.nodes({ organisation: ORGANISATION, name: 'x' })
    assert.deepEqual(
      nodes.map(node => node.id),
      [first.id],
    )
    const [pointer] = await ledger.pointers('tag')
    assert.equal(pointer?.target, first.id)
    const below = await ledger.lineage(first.id, { direction: 'down' })
    assert.equal(below.nodes.length, 1)
  })
})
