/* Questions over the graph: each node and edge once, at a cost that grows with the answer only. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Graph, LineageQuery, NewEdge, NewNode } from '../../../graph/ledger.ts'
import { chanceOf, edgeText, type Facts, plainLineage, randomFacts } from '../random.ts'
import { activity, derived, entity, idsOf, type Open, type Stage, stagePerTest } from '../stage.ts'

export function lineageCases(open: Open): void {
  describe('lineage', () => {
    const stage = stagePerTest(open)
    const ask = (node: NewNode, query: LineageQuery) => stage.ledger.lineage(node.id, query)

    it('gives what a plain walk over a random graph gives', async () => {
      const chance = chanceOf(20_260_101)
      const facts = randomFacts(chance, 300)
      await sayAll(stage, facts)

      for (let round = 0; round < 60; round++) {
        const start = facts.nodes[chance(facts.nodes.length)]!
        const direction = chance(2) === 0 ? 'up' : 'down'
        const depth = [0, 1, 2, 3, 6, 50, undefined][chance(7)]
        const relations = [undefined, ['used', 'wasGeneratedBy'] as const, [] as const][chance(3)]
        const query = { direction, ...(depth === undefined ? {} : { depth }) } as const
        const answer = await ask(start, relations ? { ...query, relations } : query)

        const expected = plainLineage(facts, start.id, direction, depth ?? 1e9, relations)
        assert.deepEqual(new Set(idsOf(answer.nodes)), expected.nodes)
        assert.deepEqual(new Set(answer.edges.map(edgeText)), expected.edges)
        assert.equal(answer.nodes.length, expected.nodes.size)
        assert.equal(answer.edges.length, expected.edges.size)
        assert.equal(answer.nodes[0]?.id, start.id)
        assert.equal(answer.truncated, false)
      }
    })

    it('ends on a chain of 200 diamonds, where the ways to a node double each time', async () => {
      const { facts, models } = diamonds(200)
      await sayAll(stage, facts)

      const up = await ask(models.at(-1)!, { direction: 'up' })
      const down = await ask(models[0]!, { direction: 'down', depth: 1000 })

      assert.equal(up.nodes.length, 401)
      assert.equal(up.edges.length, 600)
      assert.deepEqual(new Set(idsOf(down.nodes)), new Set(idsOf(up.nodes)))
    })

    it('goes as many steps as asked', async () => {
      const { facts, models } = diamonds(10)
      await sayAll(stage, facts)
      const counts: number[] = []
      for (const depth of [0, 1, 2, 6, 100]) {
        counts.push((await ask(models.at(-1)!, { direction: 'up', depth })).nodes.length)
      }

      assert.deepEqual(counts, [1, 3, 5, 13, 21])
    })

    it('gives a hub the nearest nodes up to the limit and says that there are more', async () => {
      const hub = entity()
      const near = Array.from({ length: 300 }, () => entity())
      const far = near.map(() => entity())
      const edges = near.flatMap((node, i) => [derived(node, hub), derived(far[i]!, node)])
      await sayAll(stage, { nodes: [hub, ...near, ...far], edges })

      for (const depth of [{}, { depth: 2 }]) {
        const some = await ask(hub, { direction: 'down', limit: 200, ...depth })
        const all = await ask(hub, { direction: 'down', limit: 600, ...depth })
        const none = await ask(hub, { direction: 'down', limit: 0, ...depth })

        assert.deepEqual([some.nodes.length, some.truncated], [201, true])
        assert.ok(some.nodes.slice(1).every(node => near.some(one => one.id === node.id)))
        assert.equal(some.edges.length, 200)
        assert.deepEqual([all.nodes.length, all.truncated], [601, false])
        assert.deepEqual([idsOf(none.nodes), none.truncated], [[hub.id], true])
      }
    })

    it('of an unknown id is empty', async () => {
      const empty: Graph = { nodes: [], edges: [], truncated: false }

      assert.deepEqual(await ask(entity(), { direction: 'up' }), empty)
      assert.deepEqual(await ask(entity(), { direction: 'down', depth: 3 }), empty)
    })

    it('holds the start once and first, also in a cycle', async () => {
      const [a, b, c] = [entity(), entity(), entity()]
      const edges = [derived(a, b), derived(b, c), derived(c, a), derived(a, a)]
      await stage.say({ nodes: [a, b, c], edges })

      for (const depth of [{}, { depth: 3 }, { depth: 10 }]) {
        const up = await ask(b, { direction: 'up', ...depth })
        const down = await ask(b, { direction: 'down', limit: 2, ...depth })

        assert.deepEqual(idsOf(up.nodes), idsOf([b, c, a]))
        assert.deepEqual(idsOf(down.nodes), idsOf([b, a, c]))
        assert.deepEqual([up.edges.length, down.edges.length], [4, 4])
        assert.deepEqual([up.truncated, down.truncated], [false, false])
      }
    })

    it('follows only the relations it was asked for', async () => {
      const [data, trial, model] = [entity(), activity(), entity({ kind: 'model' })]
      const edges: NewEdge[] = [
        { from: trial.id, relation: 'used', to: data.id },
        { from: model.id, relation: 'wasGeneratedBy', to: trial.id },
        derived(model, data),
      ]
      await stage.say({ nodes: [data, trial, model], edges })

      const short = await ask(model, { direction: 'up', relations: ['wasDerivedFrom'] })
      const long = await ask(model, { direction: 'up', relations: ['used', 'wasGeneratedBy'] })

      assert.deepEqual(idsOf(short.nodes), idsOf([model, data]))
      assert.equal(short.edges.length, 1)
      assert.deepEqual(idsOf(long.nodes), idsOf([model, trial, data]))
      assert.equal(long.edges.length, 2)
    })

    it('of the past knows what was known after a statement, and no more', async () => {
      const [a, b, c] = [entity(), entity(), entity()]
      const first = await stage.say({ nodes: [a, b], edges: [derived(b, a)] })
      const second = await stage.say({ nodes: [c], edges: [derived(a, c)] })
      const third = await stage.say({ edges: [derived(b, c)] })

      for (const depth of [{}, { depth: 5 }]) {
        const then = (asOf: number) => ask(b, { direction: 'up', asOf, ...depth })
        assert.deepEqual(idsOf((await then(0)).nodes), [])
        assert.deepEqual(idsOf((await then(first)).nodes), idsOf([b, a]))
        assert.deepEqual(idsOf((await then(second)).nodes), idsOf([b, a, c]))
        assert.equal((await then(second)).edges.length, 2)
        assert.equal((await then(third)).edges.length, 3)
        const down = await ask(c, { direction: 'down', asOf: second, ...depth })
        assert.deepEqual(idsOf(down.nodes), idsOf([c, a, b]))
      }
    })

    it('of the past leaves out a node that an edge named before its statement', async () => {
      const [data, model] = [entity(), entity()]
      const { seqs } = await stage.commit({
        statements: [
          { type: 'model.made', nodes: [model], edges: [derived(model, data)] },
          { type: 'data.made', nodes: [data] },
        ],
      })

      const between = await ask(model, { direction: 'up', asOf: seqs[0]! })

      assert.deepEqual([idsOf(between.nodes), between.edges], [[model.id], []])
    })

    it('answers many questions at once, each from one moment', async () => {
      const { facts, models } = diamonds(20)
      await sayAll(stage, facts)

      const answers = await Promise.all(models.map(model => ask(model, { direction: 'up' })))

      assert.deepEqual(
        answers.map(answer => answer.nodes.length),
        models.map((_, i) => 1 + 2 * i),
      )
    })

    it('refuses a depth or limit that is no whole number', async () => {
      for (const odd of [{ depth: -1 }, { depth: 1.5 }, { limit: -1 }, { asOf: Number.NaN }]) {
        await assert.rejects(ask(entity(), { direction: 'up', ...odd }), { code: 'BAD_REQUEST' })
      }
    })
  })
}

/** Model after model: each generated by a trial that used the one before, and derived from it. */
function diamonds(generations: number): { facts: Facts; models: NewNode[] } {
  const models = Array.from({ length: generations + 1 }, () => entity({ kind: 'model' }))
  const trials = Array.from({ length: generations }, () => activity())
  const edges = trials.flatMap((trial, i): NewEdge[] => [
    { from: trial.id, relation: 'used', to: models[i]!.id },
    { from: models[i + 1]!.id, relation: 'wasGeneratedBy', to: trial.id },
    derived(models[i + 1]!, models[i]!),
  ])
  return { facts: { nodes: [...models, ...trials], edges }, models }
}

/** Nodes first, then edges, in statements of a fair size. */
async function sayAll(stage: Stage, { nodes, edges }: Facts): Promise<void> {
  for (let i = 0; i < nodes.length; i += 200) await stage.say({ nodes: nodes.slice(i, i + 200) })
  for (let i = 0; i < edges.length; i += 200) await stage.say({ edges: edges.slice(i, i + 200) })
}
