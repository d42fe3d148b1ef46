/* Short questions: nodes, pointers, the log. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../../api/digest.ts'
import type { NodeQuery } from '../../../graph/ledger.ts'
import { activity, agent, entity, idsOf, type Open, ORGANISATION, stagePerTest } from '../stage.ts'

export function questionCases(open: Open): void {
  describe('nodes', () => {
    const stage = stagePerTest(open)
    const find = async (query: Partial<NodeQuery>) =>
      idsOf(await stage.ledger.nodes({ organisation: ORGANISATION, ...query }))

    it('are found by workspace, kind, name and digest, the newest first', async () => {
      const digest = digestOf('bytes')
      const old = entity({ workspace: 'a', name: 'mnist:e23a2', digest })
      const other = entity({ workspace: 'b', name: 'mnist:e23a2' })
      const trial = activity({ workspace: 'a' })
      const fresh = entity({ workspace: 'a', name: 'mnist:e23a2', digest, kind: 'source' })
      for (const node of [old, other, trial, fresh]) await stage.say({ nodes: [node] })

      assert.deepEqual(await find({ name: 'mnist:e23a2' }), idsOf([fresh, other, old]))
      assert.deepEqual(await find({ name: 'mnist:e23a2', workspace: 'a' }), idsOf([fresh, old]))
      assert.deepEqual(await find({ digest }), idsOf([fresh, old]))
      assert.deepEqual(await find({ digest, kind: 'data' }), [old.id])
      assert.deepEqual(await find({ workspace: 'a' }), idsOf([fresh, trial, old]))
      assert.deepEqual(await find({ workspace: 'a', kind: 'trial' }), [trial.id])
      assert.deepEqual(await find({ kind: 'data' }), idsOf([other, old]))
      assert.deepEqual(await find({}), [...idsOf([fresh, trial, other, old]), stage.actor])
      assert.deepEqual(await find({ name: 'nobody' }), [])
    })

    it('are found by the beginning of their id', async () => {
      const ids = ['00', '0a', '0a1', '0b', 'ff'].map(start => start.padEnd(32, '0'))
      await stage.say({ nodes: ids.map(id => entity({ id })) })

      assert.deepEqual(await find({ idPrefix: '0a' }), [ids[2], ids[1]])
      assert.deepEqual(await find({ idPrefix: 'ff' }), [ids[4]])
      assert.deepEqual(await find({ idPrefix: ids[0]! }), [ids[0]])
      assert.deepEqual(await find({ idPrefix: '0c' }), [])
    })

    it('of another organisation are not found', async () => {
      const stranger = agent()
      const theirs = entity({ name: 'theirs' })
      const statements = [{ type: 'test.said', nodes: [stranger, theirs] }]
      await stage.ledger.commit({ actor: stranger.id, organisation: 'other', statements })

      assert.deepEqual(await find({ name: 'theirs' }), [])
      assert.deepEqual(await find({}), [stage.actor])
      assert.equal((await stage.ledger.node(theirs.id))?.organisation, 'other')
    })

    it('come in pages that lose none, also where one statement made many', async () => {
      const nodes = Array.from({ length: 25 }, () => entity({ workspace: 'w' }))
      await stage.say({ nodes: nodes.slice(0, 12) })
      await stage.say({ nodes: nodes.slice(12) })

      for (const filter of [{}, { workspace: 'w' }, { kind: 'data' }]) {
        const found: string[] = []
        let page = await find({ ...filter, limit: 5 })
        while (page.length > 0 && found.length < 50) {
          found.push(...page)
          page = await find({ ...filter, limit: 5, olderThan: found.at(-1)! })
        }
        const made = found.filter(id => id !== stage.actor)
        assert.deepEqual(made, idsOf(nodes.toReversed()))
      }
    })

    it('come a hundred at a time, a thousand when asked, before and after a statement', async () => {
      await stage.say({ nodes: Array.from({ length: 600 }, () => entity()) })
      await stage.say({ nodes: Array.from({ length: 600 }, () => entity()) })

      assert.equal((await find({})).length, 100)
      assert.equal((await find({ limit: 5000 })).length, 1000)
      assert.equal((await find({ limit: 1000, before: 2 })).length, 601)
      assert.equal((await find({ limit: 1000, after: 1 })).length, 600)
      assert.equal((await find({ limit: 1000, after: 1, before: 2 })).length, 0)
      assert.equal((await find({ limit: 0 })).length, 0)
    })

    it('of the past are those that were known after a statement', async () => {
      const [first, second] = [entity({ name: 'x' }), entity({ name: 'x' })]
      const then = await stage.say({ nodes: [first] })
      await stage.say({ nodes: [second] })

      assert.deepEqual(await find({ name: 'x', asOf: then }), [first.id])
      assert.deepEqual(await find({ kind: 'data', asOf: then }), [first.id])
      assert.deepEqual(await find({ asOf: 0 }), [stage.actor])
    })

    it('that nobody made are unknown', async () => {
      assert.equal(await stage.ledger.node(entity().id), undefined)
      assert.equal(await stage.ledger.node('no id'), undefined)
    })
  })

  describe('pointers', () => {
    const stage = stagePerTest(open)
    const stand = async (
      prefix: string,
      options?: { asOf?: number; after?: string; limit?: number },
    ) =>
      (await stage.ledger.pointers(prefix, options)).map(({ name, target }) => `${name}=${target}`)

    it('are listed by name, up to a limit', async () => {
      const moves = ['tag/b', 'tag/a', 'tags', 'tag/c'].map(pointer => ({ pointer, target: '1' }))
      await stage.say({ moves })

      assert.deepEqual(await stand('tag/'), ['tag/a=1', 'tag/b=1', 'tag/c=1'])
      assert.deepEqual(await stand('tag', { limit: 2 }), ['tag/a=1', 'tag/b=1'])
      assert.deepEqual(await stand('x'), [])
    })

    it('are listed from a name on, that name left out', async () => {
      const moves = ['tag/a', 'tag/b', 'tag/c'].map(pointer => ({ pointer, target: '1' }))
      const seq = await stage.say({ moves })

      assert.deepEqual(await stand('tag/', { after: 'tag/a', limit: 1 }), ['tag/b=1'])
      assert.deepEqual(await stand('tag/', { after: 'tag/bb', asOf: seq }), ['tag/c=1'])
      assert.deepEqual(await stand('tag/', { after: 'tag/c' }), [])
    })

    it('stand as they stood after any statement of the past', async () => {
      const seqs: number[] = []
      for (const target of ['v1', 'v2', null, null, 'v3']) {
        seqs.push(await stage.say({ moves: [{ pointer: 'p', target }] }))
      }

      const history = await Promise.all([0, ...seqs].map(asOf => stand('p', { asOf })))

      assert.deepEqual(history, [[], ['p=v1'], ['p=v2'], [], [], ['p=v3']])
      assert.deepEqual(await stand('p'), ['p=v3'])
    })

    it('move once per statement of a commit', async () => {
      const { seqs } = await stage.commit({
        statements: ['v1', 'v2'].map(target => ({
          type: 'tag.moved',
          moves: [{ pointer: 'p', target }],
        })),
      })

      assert.deepEqual(await stand('p', { asOf: seqs[0]! }), ['p=v1'])
      assert.deepEqual(await stand('p'), ['p=v2'])
      assert.equal((await stage.ledger.pointers('p'))[0]?.seq, seqs[1])
    })
  })

  describe('the log', () => {
    const stage = stagePerTest(open)

    it('is read as bare leaves when only the tree is needed', async () => {
      await stage.say({ nodes: [entity()] })

      const [whole] = await stage.ledger.log(1, 1)
      const bare = await stage.ledger.log(1, 1, { leaves: true })

      assert.deepEqual(bare, [{ ...whole, payload: null, salt: null }])
    })

    it('is read from a number on, up to a limit', async () => {
      for (let i = 0; i < 5; i++) await stage.say({ detail: { i } })

      const numbers = async (from: number, limit: number) =>
        (await stage.ledger.log(from, limit)).map(entry => entry.seq)

      assert.deepEqual(await numbers(0, 3), [0, 1, 2])
      assert.deepEqual(await numbers(4, 100), [4, 5])
      assert.deepEqual(await numbers(6, 100), [])
      assert.deepEqual(await numbers(0, 0), [])
    })
  })
}
