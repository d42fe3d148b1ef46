import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  consistencyProof,
  inclusionProof,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion,
} from '../../api/merkle.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { openProofs } from '../../graph/proofs.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { agent, ORGANISATION } from './stage.ts'

/** More than three tiles, and no power of two. */
const STATEMENTS = 801

describe('proofs over a ledger', () => {
  let folder: string
  let ledger: Ledger
  let leaves: Buffer[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kaos-proofs-'))
    ledger = await openSqliteLedger(join(folder, 'ledger.db'))
    const founder = agent()
    const statements = Array.from({ length: STATEMENTS - 1 }, () => ({ type: 'test.said' }))
    const first = { type: 'test.said', nodes: [founder] }
    await ledger.commit({
      actor: founder.id,
      organisation: ORGANISATION,
      statements: [first, ...statements],
    })
    leaves = (await ledger.log(0, STATEMENTS)).map(entry => Buffer.from(entry.leaf, 'hex'))
  })
  after(async () => {
    await ledger.close()
    await rm(folder, { recursive: true })
  })

  it('name the root of every earlier log', async () => {
    const proofs = openProofs(ledger)

    for (const size of [0, 1, 2, 3, 255, 256, 257, 512, 768, 800, STATEMENTS]) {
      const root = await proofs.root(size)

      assert.deepEqual(root, rootOfLeaves(leaves.slice(0, size)), `size ${size}`)
    }
    assert.equal((await proofs.root(STATEMENTS)).toString('hex'), (await ledger.head()).root)
  })

  it('show that a statement is in the log, as the plain definition has it', async () => {
    const proofs = openProofs(ledger)

    for (const [seq, size] of [
      [0, 1],
      [0, STATEMENTS],
      [255, 256],
      [256, 257],
      [300, 700],
      [STATEMENTS - 1, STATEMENTS],
    ] as const) {
      const proof = await proofs.inclusion(seq, size)

      assert.deepEqual(proof, inclusionProof(leaves.slice(0, size), seq))
      const root = rootOfLeaves(leaves.slice(0, size))
      assert.ok(verifyInclusion({ leaf: leaves[seq]!, index: seq, size, root, proof }))
    }
  })

  it('show that an earlier log is a beginning of a later one', async () => {
    const proofs = openProofs(ledger)

    for (const [first, second] of [
      [0, 5],
      [1, STATEMENTS],
      [256, 800],
      [257, 513],
      [STATEMENTS, STATEMENTS],
    ] as const) {
      const proof = await proofs.consistency(first, second)

      assert.deepEqual(proof, consistencyProof(leaves.slice(0, second), first))
      const claim = {
        first,
        firstRoot: rootOfLeaves(leaves.slice(0, first)),
        second,
        secondRoot: rootOfLeaves(leaves.slice(0, second)),
        proof,
      }
      assert.ok(verifyConsistency(claim))
    }
  })

  it('are refused beyond the log', async () => {
    const proofs = openProofs(ledger)

    await assert.rejects(proofs.root(STATEMENTS + 1), RangeError)
    await assert.rejects(proofs.inclusion(5, 5), RangeError)
    await assert.rejects(proofs.consistency(6, 5), RangeError)
  })

  it('read what was added since, also where it fills a tile', async () => {
    const proofs = openProofs(ledger)
    const { size } = await ledger.head()
    await proofs.root(size)
    const [actor] = await ledger.nodes({ organisation: ORGANISATION })
    const statements = Array.from({ length: 300 }, () => ({ type: 'test.said' }))

    await ledger.commit({ actor: actor!.id, organisation: ORGANISATION, statements })

    const root = await proofs.root(size + 300)
    assert.equal(root.toString('hex'), (await ledger.head()).root)
  })
})
