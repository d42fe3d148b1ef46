/* The log proves itself: payloads, leaves, root; and verify finds a sound ledger sound. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { consistencyProof, leafHash, rootOfLeaves, verifyConsistency } from '../../../api/merkle.ts'
import { canonical } from '../../../graph/canonical.ts'
import type { Json, LogEntry, Statement } from '../../../graph/ledger.ts'
import { chanceOf, randomFacts } from '../random.ts'
import {
  activity,
  agent,
  derived,
  entity,
  NOON,
  type Open,
  ORGANISATION,
  stagePerTest,
} from '../stage.ts'

export function proofCases(open: Open): void {
  describe('the log as proof', () => {
    const stage = stagePerTest(open)

    it('says in canonical JSON what was said, with number, time and actor', async () => {
      const [data, trial] = [entity({ name: 'mnist:e23a2', workspace: 'w' }), activity()]
      const said: Statement = {
        type: 'trial.started',
        workspace: 'w',
        nodes: [data, trial],
        edges: [{ from: trial.id, relation: 'used', to: data.id, role: 'data' }],
        moves: [{ pointer: 'current', target: null }],
        detail: { b: [1.5, null], a: 'é' },
      }
      const seq = await stage.say(said)
      await stage.say({})

      const [entry, bare] = await stage.ledger.log(seq, 2)
      const origin = { actor: stage.actor, organisation: ORGANISATION, at: iso(NOON) }
      assert.deepEqual(JSON.parse(entry!.payload!), { ...said, ...origin, seq })
      assert.deepEqual(JSON.parse(bare!.payload!), { type: 'test.said', ...origin, seq: seq + 1 })
      for (const { payload } of [entry!, bare!]) {
        assert.equal(canonical(JSON.parse(payload!) as Json), payload)
      }
    })

    it('hashes salt and payload into leaves and the leaves into the root', async () => {
      for (let i = 0; i < 20; i++) {
        await stage.say({ detail: { i } })

        const log = await stage.ledger.log(0, 100)
        assert.deepEqual(log.map(leafOf), leavesOf(log))
        const root = rootOfLeaves(leavesOf(log)).toString('hex')
        assert.deepEqual(await stage.ledger.head(), { size: i + 2, root })
      }
    })

    it('gives equal statements different leaves', async () => {
      await Promise.all([stage.say({}), stage.say({}), stage.say({})])

      const log = await stage.ledger.log(0, 10)
      assert.equal(new Set(log.map(entry => entry.salt)).size, 4)
      assert.ok(log.every(entry => /^[0-9a-f]{32}$/.test(entry.salt ?? '')))
    })

    it('only ever grows: each head extends every earlier one', async () => {
      const heads = [await stage.ledger.head()]
      for (let i = 0; i < 9; i++) {
        await Promise.all(Array.from({ length: 1 + (i % 3) }, () => stage.say({})))
        heads.push(await stage.ledger.head())
      }
      const leaves = leavesOf(await stage.ledger.log(0, 100))

      for (const head of heads.slice(0, -1)) {
        const claim = {
          first: head.size,
          firstRoot: Buffer.from(head.root, 'hex'),
          second: leaves.length,
          secondRoot: Buffer.from(heads.at(-1)!.root, 'hex'),
          proof: consistencyProof(leaves, head.size),
        }
        assert.equal(verifyConsistency(claim), true)
      }
    })

    it('is numbered without gaps, whatever failed in between', async () => {
      const chance = chanceOf(7)
      const saying = Array.from({ length: 100 }, () =>
        chance(3) === 0 ? stage.say({ edges: [derived(entity(), entity())] }) : stage.say({}),
      )

      const done = (await Promise.allSettled(saying)).filter(one => one.status === 'fulfilled')

      const log = await stage.ledger.log(0, 1000)
      assert.deepEqual(
        log.map(entry => entry.seq),
        Array.from({ length: done.length + 1 }, (_, i) => i),
      )
    })
  })

  describe('verify', () => {
    const stage = stagePerTest(open)

    it('finds nothing on a sound ledger', async () => {
      const { nodes, edges } = randomFacts(chanceOf(11), 150)
      await stage.say({ nodes })
      await stage.say({ edges })
      await stage.say({ nodes: nodes.slice(0, 9), edges: edges.slice(0, 9) })
      for (const target of ['a', 'b', null, 'b']) {
        await stage.say({
          moves: [
            { pointer: 'p', target },
            { pointer: 'q', target: 'same' },
          ],
        })
      }
      const [early, late] = [entity(), entity()]
      const statements = [
        { type: 'a.said', edges: [derived(early, late)] },
        { type: 'b.said', nodes: [early], edges: [derived(early, late)] },
        { type: 'c.said', nodes: [late], edges: [derived(early, late)] },
      ]
      await stage.commit({ statements, records: [{ key: 'k', value: 1 }] })
      const other = agent()
      const founding = [{ type: 'org.founded', nodes: [other] }]
      await stage.ledger.commit({ actor: other.id, organisation: 'other', statements: founding })

      assert.deepEqual(await stage.ledger.verify(), [])
      await stage.reopen()
      assert.deepEqual(await stage.ledger.verify(), [])
    })

    it('finds nothing while others commit', async () => {
      const verifying = Array.from({ length: 3 }, async () => {
        await stage.say({ nodes: [entity()] })
        return stage.ledger.verify()
      })
      const saying = Array.from({ length: 50 }, () => stage.say({ nodes: [entity()] }))

      const [reports] = await Promise.all([Promise.all(verifying), Promise.all(saying)])

      assert.deepEqual(reports, [[], [], []])
    })
  })
}

function leafOf({ salt, payload }: LogEntry): Buffer {
  return leafHash(Buffer.from(salt!, 'hex'), payload!)
}

function leavesOf(log: readonly LogEntry[]): Buffer[] {
  return log.map(entry => Buffer.from(entry.leaf, 'hex'))
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
