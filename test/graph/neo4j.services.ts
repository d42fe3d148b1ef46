/* The ledger in a real Neo4j. All tests share one database: each run has labels of its own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import neo4j from 'neo4j-driver'
import type { Ledger } from '../../graph/ledger.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { reachText } from '../../graph/neo4j/lineage.ts'
import { toNeo4j, toSqlite } from '../../graph/neo4j/migrate.ts'
import { namesWith } from '../../graph/neo4j/names.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { ledgerConformance } from './conformance.ts'
import { place, prefix, sweep } from './neo4j-place.ts'
import { chanceOf, randomFacts } from './random.ts'
import { agent, entity, type Open, ORGANISATION } from './stage.ts'

const COMMITTING = fileURLToPath(new URL('./committing.ts', import.meta.url))

let last: string | undefined

const open: Open = async (folder, options) => {
  // A new folder is a new ledger.
  if (folder !== last) await sweep('content')
  last = folder
  return openNeo4jLedger(place(), { ...options, prefix })
}

before(() => sweep('all'))
after(() => sweep('all'))

ledgerConformance('Neo4j', open)

describe('a ledger in Neo4j', () => {
  it('is not opened with a wrong password, nor where nothing answers', async () => {
    const opening = (change: object) => openNeo4jLedger({ ...place(), ...change }, { prefix })

    await assert.rejects(opening({ password: 'wrong' }), { message: /KAOS_NEO4J_PASSWORD/ })
    await assert.rejects(opening({ url: 'bolt://127.0.0.1:1' }), { message: /KAOS_NEO4J_URL/ })
  })

  it('is shared by two servers: what both commit at once is numbered without gaps', async () => {
    await sweep('content')
    const servers = await Promise.all([1, 2].map(() => openNeo4jLedger(place(), { prefix })))
    const founder = agent()
    const commit = (server: Ledger, statement: object) =>
      server.commit({
        actor: founder.id,
        organisation: ORGANISATION,
        statements: [{ type: 'test.said', ...statement }],
        records: [{ key: 'k', value: 1 }],
      })
    await commit(servers[0]!, { nodes: [founder] })

    const receipts = await Promise.all(
      Array.from({ length: 200 }, (_, i) => commit(servers[i % 2]!, { nodes: [entity()] })),
    )

    const seqs = receipts.flatMap(receipt => receipt.seqs).toSorted((a, b) => a - b)
    const versions = receipts.flatMap(receipt => receipt.versions).toSorted((a, b) => a - b)
    assert.deepEqual(
      seqs,
      Array.from({ length: 200 }, (_, i) => i + 1),
    )
    assert.deepEqual(
      versions,
      Array.from({ length: 200 }, (_, i) => i + 2),
    )
    assert.deepEqual(await servers[0]!.head(), await servers[1]!.head())
    assert.deepEqual(await servers[0]!.verify(), [])
    await Promise.all(servers.map(server => server.close()))
  })
})

describe('two servers over one Neo4j, either of which is killed', () => {
  it('lose nothing that was acknowledged, and log and graph stay equal', async t => {
    await sweep('content')
    const watcher = await openNeo4jLedger(place(), { prefix })
    t.after(() => watcher.close())
    const chance = chanceOf(Date.now())
    const acknowledged: string[][] = []
    let steady = startServer()
    for (let round = 0; round < 6; round++) {
      const other = startServer()
      // Both are at work, then one dies at some moment of its commits.
      await Promise.all([steady.acknowledges(5), other.acknowledges(5)])
      const [victim, left] = round % 2 === 0 ? [steady, other] : [other, steady]
      await new Promise(resolve => setTimeout(resolve, chance(100)))
      acknowledged.push(...(await victim.kill()))
      await left.acknowledges(5)
      steady = left
    }
    acknowledged.push(...(await steady.kill()))

    const { size } = await watcher.head()
    const log = await Array.fromAsync(payloadsOf(watcher))
    assert.equal(log.length, size)
    t.diagnostic(`${acknowledged.length} acknowledged, ${size} in the log`)
    for (const [seq, id, version] of acknowledged) {
      assert.ok(log[Number(seq)]?.includes(id!), `statement ${seq} lost ${id}`)
      const [record] = await watcher.records(`import/${id}`)
      assert.equal(String(record?.version), version)
    }
    assert.equal(new Set(acknowledged.map(([seq]) => seq)).size, acknowledged.length)
    assert.deepEqual(await watcher.verify(), [])
  })
})

async function* payloadsOf(ledger: Ledger): AsyncGenerator<string> {
  for (let from = 0; ; from += 500) {
    const page = await ledger.log(from, 500)
    for (const { payload } of page) yield payload!
    if (page.length < 500) return
  }
}

/** A server's part of the ledger: a process that commits until it is killed. */
function startServer() {
  const options = { stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'] }
  const child = spawn(process.execPath, [COMMITTING, 'neo4j', prefix], options)
  const ended = once(child, 'exit')
  const lines: string[] = []
  const said = new EventTarget()
  const input = createInterface({ input: child.stdout })
  input.on('line', line => {
    lines.push(line)
    said.dispatchEvent(new Event('line'))
  })
  return {
    /** Resolves after so many more. */
    async acknowledges(more: number): Promise<void> {
      const enough = lines.length + more
      while (lines.length < enough) {
        if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
        await Promise.race([once(said, 'line'), ended])
      }
    },
    /** All that it ever acknowledged: number, id and version. */
    async kill(): Promise<string[][]> {
      const read = once(input, 'close')
      child.kill('SIGKILL')
      assert.deepEqual(await ended, [null, 'SIGKILL'])
      await read
      const words = lines.map(line => line.split(' '))
      return words.filter(one => one.length === 3 && one[2] !== '')
    },
  }
}

describe('the plan of a question about lineage', () => {
  const driver = neo4j.driver(place().url, neo4j.auth.basic(place().user, place().password))
  let ledger: Ledger

  before(async () => {
    ledger = await openNeo4jLedger(place(), { prefix })
  })
  after(async () => {
    await ledger.close()
    await driver.close()
  })

  for (const direction of ['up', 'down'] as const) {
    // A single step cannot multiply, so it may be planned in any way.
    for (const bounds of [{}, { depth: 2 }, { depth: 6 }, { asOf: 3 }, { depth: 6, asOf: 3 }]) {
      it(`visits each node once, ${direction}, ${JSON.stringify(bounds)}`, async () => {
        const text = reachText(namesWith(prefix), { direction, ...bounds })

        const { summary } = await driver.executeQuery(`EXPLAIN ${text}`, {
          id: '',
          most: neo4j.int(10),
          asOf: neo4j.int(3),
        })

        const plan = JSON.stringify(summary.plan)
        assert.match(plan, /VarLengthExpand\(Pruning,BFS,All\)/)
        assert.match(plan, /NodeUniqueIndexSeek/)
        assert.doesNotMatch(plan, /VarLengthExpand\(All\)|NodeByLabelScan|StatefulShortestPath/)
      })
    }
  }
})

describe('migrating a ledger', () => {
  it('to Neo4j and back keeps id, root, graph, pointers and records', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'kaos-migrate-'))
    t.after(() => rm(folder, { recursive: true }))
    await sweep('content')
    const [there, back] = [join(folder, 'there.db'), join(folder, 'back.db')]
    const first = await openSqliteLedger(there)
    const founder = agent()
    const commit = (commit: object) =>
      first.commit({ actor: founder.id, organisation: ORGANISATION, ...commit })
    await commit({ statements: [{ type: 'test.said', nodes: [founder] }] })
    for (let round = 0; round < 5; round++) {
      await commit({
        statements: [
          { type: 'test.said', ...randomFacts(chanceOf(round), 30) },
          { type: 'test.said', moves: [{ pointer: `p/${round % 2}`, target: `v${round}` }] },
        ],
        records: [
          { key: `r/${round}`, value: { round } },
          { key: `gone/${round}`, value: 1, expires: 1 },
        ],
      })
    }
    const what = async (ledger: Ledger) => [
      ledger.id,
      await ledger.head(),
      await ledger.nodes({ organisation: ORGANISATION, limit: 1000 }),
      await ledger.pointers('', { asOf: 5 }),
      await ledger.pointers(''),
      await ledger.records(''),
      await ledger.log(0, 100),
    ]
    const before = await what(first)
    await first.close()

    const head = await toNeo4j(there, place(), { prefix })
    const again = toNeo4j(there, place(), { prefix })
    await assert.rejects(again, { code: 'CONFLICT', message: /name an empty one/ })
    const second = await openNeo4jLedger(place(), { prefix })
    const moved = await what(second)
    await second.commit({
      actor: founder.id,
      organisation: ORGANISATION,
      statements: [{ type: 'test.said', nodes: [entity()] }],
    })
    await second.close()
    await toSqlite(place(), back, { prefix })
    const third = await openSqliteLedger(back)

    assert.deepEqual(head, before[1])
    assert.deepEqual(moved, before)
    assert.equal(third.id, before[0])
    assert.equal((await third.head()).size, head.size + 1)
    assert.deepEqual(await third.records(''), before[5])
    assert.deepEqual(await third.verify(), [])
    await third.close()
    await assert.rejects(toSqlite(place(), back, { prefix }), { code: 'CONFLICT' })
  })
})
