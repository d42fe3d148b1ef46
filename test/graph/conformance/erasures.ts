/* Erasing by law: the words go, the proof stays. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafHash, rootOfLeaves, verifyInclusion } from '../../../api/merkle.ts'
import { erasureOf } from '../../../graph/erasure.ts'
import { openProofs } from '../../../graph/proofs.ts'
import { activity, derived, entity, type Open, stagePerTest } from '../stage.ts'

export function erasureCases(open: Open): void {
  describe('erasing a payload', () => {
    const stage = stagePerTest(open)

    async function erase(seq: number): Promise<number> {
      const { erasure } = await erasureOf(stage.ledger, seq)
      return stage.say({ erases: [erasure], detail: { reason: 'a person asked' } })
    }

    async function aChain() {
      const [data, model, later] = [
        entity({ name: 'jane:12345', attributes: { folder: 'scans of Jane Doe' } }),
        entity({ kind: 'model', name: 'm' }),
        entity({ kind: 'model' }),
      ]
      const trial = activity()
      const seq = await stage.say({
        nodes: [data, trial],
        edges: [{ from: trial.id, relation: 'used', to: data.id, role: 'data' }],
        detail: { note: 'Jane Doe' },
      })
      await stage.say({ nodes: [model], edges: [derived(model, data)] })
      await stage.say({ nodes: [later], edges: [derived(later, model)] })
      return { seq, data, model, later, trial }
    }

    it('takes the words out of log and graph, and leaves leaf, root and edges', async () => {
      const { seq, data, later } = await aChain()
      const [before] = await stage.ledger.log(seq, 1)

      await erase(seq)

      const [after] = await stage.ledger.log(seq, 1)
      assert.deepEqual(after, { ...before, payload: null, salt: null })
      const node = await stage.ledger.node(data.id)
      assert.equal(node?.name, undefined)
      assert.doesNotMatch(JSON.stringify(node), /Jane|jane/)
      assert.equal(node?.kind, 'data')
      const graph = await stage.ledger.lineage(later.id, { direction: 'up' })
      assert.ok(graph.nodes.some(one => one.id === data.id))
      assert.deepEqual(
        await stage.ledger.nodes({ organisation: 'default', name: 'jane:12345' }),
        [],
      )
      assert.deepEqual(await stage.ledger.verify(), [])
    })

    it('leaves every proof good', async () => {
      const { seq } = await aChain()
      await erase(seq)
      const log = await stage.ledger.log(0, 100)
      const leaves = log.map(entry => Buffer.from(entry.leaf, 'hex'))

      const proof = await openProofs(stage.ledger).inclusion(seq, log.length)
      const { root } = await stage.ledger.head()

      assert.equal(rootOfLeaves(leaves).toString('hex'), root)
      const [leaf, size] = [leaves[seq]!, log.length]
      const claim = { leaf, index: seq, size, root: Buffer.from(root, 'hex'), proof }
      assert.ok(verifyInclusion(claim))
      for (const entry of log.filter(one => one.payload !== null)) {
        const hash = leafHash(Buffer.from(entry.salt!, 'hex'), entry.payload!)
        assert.equal(hash.toString('hex'), entry.leaf)
      }
    })

    it('says in the log which statement was erased, by whom and why', async () => {
      const { seq } = await aChain()

      const by = await erase(seq)

      const [entry] = await stage.ledger.log(by, 1)
      const said = JSON.parse(entry!.payload!)
      assert.equal(said.actor, stage.actor)
      assert.deepEqual(said.detail, { reason: 'a person asked' })
      assert.deepEqual(
        said.erases.map((one: { seq: number }) => one.seq),
        [seq],
      )
    })

    it('touches nothing that an earlier statement had made', async () => {
      const data = entity({ name: 'kept', attributes: { a: 1 } })
      await stage.say({ nodes: [data] })
      const again = await stage.say({ nodes: [data] })

      await erase(again)

      assert.equal((await stage.ledger.node(data.id))?.name, 'kept')
      assert.deepEqual(await stage.ledger.verify(), [])
    })

    it('lets what was erased be named again without effect', async () => {
      const { seq, data } = await aChain()
      await erase(seq)

      await stage.say({ nodes: [data], edges: [] })

      assert.equal((await stage.ledger.node(data.id))?.name, undefined)
      assert.deepEqual(await stage.ledger.verify(), [])
    })

    it('refuses a statement that is not there, was erased before, or erases itself', async () => {
      const { seq } = await aChain()
      const { erasure } = await erasureOf(stage.ledger, seq)
      const by = await erase(seq)
      const { size } = await stage.ledger.head()
      const say = (gone: number) => stage.say({ erases: [{ ...erasure, seq: gone }] })

      await assert.rejects(say(seq), { code: 'CONFLICT', message: /erased before/ })
      await assert.rejects(say(by), { code: 'BAD_REQUEST', message: /is an erasure itself/ })
      await assert.rejects(say(size), { code: 'BAD_REQUEST', message: /there is no statement/ })
      await assert.rejects(erasureOf(stage.ledger, seq), { code: 'CONFLICT' })
      await assert.rejects(erasureOf(stage.ledger, size), { code: 'BAD_REQUEST' })
      const twice = {
        erases: [
          { ...erasure, seq: 0 },
          { ...erasure, seq: 0 },
        ],
      }
      await assert.rejects(stage.say(twice), { code: 'CONFLICT' })
      assert.equal((await stage.ledger.head()).size, size)
      assert.deepEqual(await stage.ledger.verify(), [])
    })

    it('finds an erasure that does not say what remains', async () => {
      const { seq } = await aChain()

      await stage.say({ erases: [{ seq, remains: '0'.repeat(64) }] })

      assert.deepEqual(await stage.ledger.verify(), [
        `what statement ${seq} made is not what it was when it was erased`,
      ])
    })
  })
}
