/* What a commit does: numbers, time, all or nothing, once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newId } from '../../../api/ids.ts'
import {
  activity,
  agent,
  derived,
  entity,
  idsOf,
  NOON,
  type Open,
  ORGANISATION,
  stagePerTest,
} from '../stage.ts'

export function commitCases(open: Open): void {
  describe('a commit', () => {
    const stage = stagePerTest(open)

    it('numbers its statements from 0 on without gaps and names its time', async () => {
      const receipt = await stage.commit({ statements: [{ type: 'a.done' }, { type: 'b.done' }] })

      assert.deepEqual(receipt, { seqs: [1, 2], at: new Date(NOON).toISOString(), versions: [] })
      assert.equal(await stage.say({}), 3)
    })

    it('writes nodes, edges and pointers that can be read at once', async () => {
      const [data, model] = [entity({ name: 'mnist:e23a2', workspace: 'w' }), entity()]

      const seq = await stage.say({
        nodes: [data, model],
        edges: [{ ...derived(model, data), role: 'data' }],
        moves: [{ pointer: 'tag/latest', target: model.id }],
      })

      const made = { organisation: ORGANISATION, seq, at: new Date(NOON).toISOString() }
      assert.deepEqual(await stage.ledger.node(data.id), { ...data, ...made })
      const { edges } = await stage.ledger.lineage(model.id, { direction: 'up' })
      assert.deepEqual(edges, [{ ...derived(model, data), role: 'data', seq }])
      const [pointer] = await stage.ledger.pointers('tag/')
      assert.deepEqual(pointer, { name: 'tag/latest', target: model.id, seq, at: made.at })
    })

    it('may name nodes that a later statement of it makes', async () => {
      const [data, model] = [entity(), entity()]

      await stage.commit({
        statements: [
          { type: 'model.derived', edges: [derived(model, data)] },
          { type: 'data.imported', nodes: [data, model] },
        ],
      })

      const { nodes } = await stage.ledger.lineage(model.id, { direction: 'up' })
      assert.deepEqual(idsOf(nodes), [model.id, data.id])
    })

    it('may make its own actor', async () => {
      const newcomer = agent()

      const statements = [{ type: 'user.invited', nodes: [newcomer] }]
      await stage.ledger.commit({ actor: newcomer.id, organisation: ORGANISATION, statements })

      assert.equal((await stage.ledger.node(newcomer.id))?.seq, 1)
    })

    it('leaves nothing behind when it fails', async () => {
      const orphan = entity()
      const before = await stage.ledger.head()

      const failing = stage.commit({
        statements: [
          { type: 'a.made', nodes: [orphan], moves: [{ pointer: 'p', target: 'x' }] },
          { type: 'b.made', edges: [derived(orphan, entity())] },
        ],
        records: [{ key: 'r', value: 1 }],
      })

      await assert.rejects(failing, { code: 'BAD_REQUEST' })
      assert.deepEqual(await stage.ledger.head(), before)
      assert.equal(await stage.ledger.node(orphan.id), undefined)
      assert.deepEqual(await stage.ledger.pointers(''), [])
      assert.deepEqual(await stage.ledger.records(''), [])
    })

    it('fails alone among those that share its transaction', async () => {
      const nodes = Array.from({ length: 9 }, () => entity())
      const commits = nodes.map((node, i) =>
        stage.say({ nodes: [node], edges: i % 3 === 1 ? [derived(node, entity())] : [] }),
      )

      const outcomes = await Promise.allSettled(commits)

      const seqs = outcomes.map(one => (one.status === 'fulfilled' ? one.value : null))
      assert.deepEqual(seqs, [1, null, 2, 3, null, 4, 5, null, 6])
      assert.deepEqual(await stage.ledger.verify(), [])
    })

    it('is acknowledged in the order in which commits came', async () => {
      const acknowledged: number[] = []
      const commits = Array.from({ length: 50 }, async () => {
        acknowledged.push(await stage.say({}))
      })

      await Promise.all(commits)

      assert.deepEqual(
        acknowledged,
        Array.from({ length: 50 }, (_, i) => i + 1),
      )
    })

    it('has no effect on the graph when it says the same again', async () => {
      const [data, model] = [entity({ attributes: { a: 1, b: [2] } }), entity()]
      const facts = { nodes: [data, model], edges: [derived(model, data)] }
      const seq = await stage.say(facts)
      const before = await stage.ledger.lineage(model.id, { direction: 'up' })

      await stage.say({ ...facts, nodes: [{ ...data, attributes: { b: [2], a: 1 } }, model] })

      assert.deepEqual(await stage.ledger.lineage(model.id, { direction: 'up' }), before)
      assert.equal((await stage.ledger.node(data.id))?.seq, seq)
    })

    it('is a conflict when it says something else of a node that is there', async () => {
      const data = entity({ attributes: { size: 1 } })
      await stage.say({ nodes: [data] })

      const again = stage.say({ nodes: [{ ...data, attributes: { size: 2 } }] })
      const named = stage.say({ nodes: [{ ...data, name: 'data' }] })

      await assert.rejects(again, { code: 'CONFLICT' })
      await assert.rejects(named, { code: 'CONFLICT' })
      assert.deepEqual((await stage.ledger.node(data.id))?.attributes, { size: 1 })
    })

    it('is a conflict when it gives an edge another role', async () => {
      const [data, trial] = [entity(), activity()]
      const edge = { from: trial.id, relation: 'used', to: data.id, role: 'data' } as const
      await stage.say({ nodes: [data, trial], edges: [edge] })

      const again = stage.say({ edges: [{ ...edge, role: 'code' }] })

      await assert.rejects(again, { code: 'CONFLICT' })
    })

    it('puts a shared entity once when many commit it at the same time', async () => {
      const shared = entity({ name: 'shared' })
      const trials = Array.from({ length: 20 }, () => activity())

      await Promise.all(
        trials.map(trial =>
          stage.say({
            nodes: [shared, trial],
            edges: [{ from: trial.id, relation: 'used', to: shared.id }],
          }),
        ),
      )

      const named = await stage.ledger.nodes({ organisation: ORGANISATION, name: 'shared' })
      assert.equal(named.length, 1)
      const { edges } = await stage.ledger.lineage(shared.id, { direction: 'down' })
      assert.equal(edges.length, 20)
    })

    it('does not see what its caller changes afterwards', async () => {
      const data = { ...entity(), attributes: { size: 1 } }
      const edge = { ...derived(data, data) }

      const committing = stage.say({ nodes: [data], edges: [edge] })
      data.attributes.size = 2
      Object.assign(edge, { to: newId() })
      await committing

      assert.deepEqual((await stage.ledger.node(data.id))?.attributes, { size: 1 })
    })

    it('never goes back in time when the clock does', async () => {
      stage.clock = NOON + 5000
      await stage.say({})
      stage.clock = NOON - 3_600_000
      await stage.say({})
      await stage.reopen()
      await stage.say({})
      stage.clock = NOON + 6000
      await stage.say({})

      const times = (await stage.ledger.log(1, 10)).map(entry => Date.parse(entry.at) - NOON)
      assert.deepEqual(times, [5000, 5000, 5000, 6000])
    })

    it('keeps an attribute of 900 KB', async () => {
      const text = 'é'.repeat(450_000)
      const large = entity({ attributes: { text } })

      await stage.say({ nodes: [large] })

      assert.equal((await stage.ledger.node(large.id))?.attributes.text, text)
    })

    it('keeps the largest exact integers, text of all planes and odd member names', async () => {
      const attributes = {
        largest: Number.MAX_SAFE_INTEGER,
        least: Number.MIN_SAFE_INTEGER,
        third: 1 / 3,
        text: '\u0000 \ue000 \u{1f600} "\\',
        nested: [{ '': null, é: true, 'a b': [[]] }],
      }
      const odd = entity({ attributes })

      await stage.say({ nodes: [odd] })

      assert.deepEqual((await stage.ledger.node(odd.id))?.attributes, attributes)
    })

    it('is finished by close and still there after the ledger was opened again', async () => {
      const { id } = stage.ledger
      const data = entity()

      const committing = stage.say({ nodes: [data] })
      await stage.reopen()

      assert.equal(await committing, 1)
      assert.equal(stage.ledger.id, id)
      assert.equal((await stage.ledger.node(data.id))?.seq, 1)
      assert.equal(await stage.say({}), 2)
    })

    it('is refused once the ledger is closed, as is each question', async () => {
      const { ledger } = stage
      await ledger.close()
      await ledger.close()

      const closed = { code: 'UNAVAILABLE' }
      await assert.rejects(stage.commit({}), closed)
      await assert.rejects(ledger.node(stage.actor), closed)
      await assert.rejects(ledger.lineage(stage.actor, { direction: 'up' }), closed)
      await assert.rejects(ledger.verify(), closed)
    })
  })
}
