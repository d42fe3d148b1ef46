import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Graph } from '../../graph/ledger.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { STEPS } from '../../graph/sqlite/schema.ts'
import { ledgerConformance } from './conformance.ts'
import { chanceOf, edgeText } from './random.ts'
import { derived, entity, type Open, stagePerTest } from './stage.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const COMMITTING = fileURLToPath(new URL('./committing.ts', import.meta.url))

/** A program that still runs then does not end by itself. */
const HANGS_MS = 120_000

const fileIn = (folder: string) => join(folder, 'ledger.db')
const open: Open = (folder, options) => openSqliteLedger(fileIn(folder), options)

ledgerConformance('SQLite', open)

describe('the file of a SQLite ledger', () => {
  const stage = stagePerTest(open)
  const file = () => fileIn(stage.folder)

  it('is all that is left after close', async () => {
    await stage.ledger.lineage(stage.actor, { direction: 'up' })
    await stage.ledger.close()

    assert.deepEqual(await readdir(stage.folder), ['ledger.db'])
  })

  it('is not opened when a newer kaos wrote it, and is left as it is', async () => {
    await stage.ledger.close()
    edit(file(), 'UPDATE meta SET schema = 99')

    const opening = openSqliteLedger(file())

    await assert.rejects(opening, { code: 'SCHEMA_NEWER', message: /newer kaos \(schema 99/ })
    edit(file(), `UPDATE meta SET schema = ${STEPS.length}`)
    await stage.reopen()
    assert.deepEqual(await stage.ledger.verify(), [])
  })

  it('is not opened when it is something else', async () => {
    const other = join(stage.folder, 'other.db')
    edit(other, 'CREATE TABLE song (title TEXT)')
    const text = join(stage.folder, 'text')
    await writeFile(text, 'This is no database, but a text that is long enough.\n'.repeat(100))

    await assert.rejects(openSqliteLedger(other), { code: 'CONFIGURATION' })
    await assert.rejects(openSqliteLedger(text), { message: /can not be opened/ })
    await assert.rejects(openSqliteLedger(join(stage.folder, 'no', 'folder')), {
      message: /can not be opened/,
    })
  })

  it('may be open twice: each sees and counts what the other wrote', async () => {
    const second = await openSqliteLedger(file())
    const actor = stage.actor
    const data = entity()
    const statements = [{ type: 'test.said', nodes: [data] }]
    const receipts = []
    for (let i = 0; i < 3; i++) {
      const commit = {
        actor,
        organisation: 'default',
        statements,
        records: [{ key: 'k', value: i }],
      }
      receipts.push(await stage.ledger.commit(commit), await second.commit(commit))
    }

    assert.deepEqual(
      receipts.flatMap(receipt => receipt.seqs),
      [1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(
      receipts.flatMap(receipt => receipt.versions),
      [1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(await second.head(), await stage.ledger.head())
    assert.deepEqual(await second.verify(), [])
    await second.close()
  })

  it('grows by one transaction for commits that come together', async () => {
    const pagesWritten = async () => (await stat(`${file()}-wal`)).size
    const start = await pagesWritten()
    for (let i = 0; i < 20; i++) await stage.say({})
    const oneByOne = (await pagesWritten()) - start
    await Promise.all(Array.from({ length: 20 }, () => stage.say({})))
    const together = (await pagesWritten()) - start - oneByOne

    assert.ok(together * 5 < oneByOne, `${together} bytes together, ${oneByOne} one by one`)
  })

  it('keeps all that was acknowledged when its process is killed', async t => {
    const seed = 42
    const chance = chanceOf(seed)
    await stage.ledger.close()
    for (let round = 0; round < 4; round++) {
      const acknowledged = await commitUntilKilled(file(), 1 + chance(300))

      await stage.reopen()
      const { size } = await stage.ledger.head()
      for (const [seq, id, version] of acknowledged) {
        assert.ok(Number(seq) < size)
        assert.equal((await stage.ledger.node(id!))?.seq, Number(seq))
        const [record] = await stage.ledger.records(`import/${id}`)
        assert.equal(record?.version, Number(version))
      }
      assert.deepEqual(await stage.ledger.verify(), [])
      await stage.ledger.close()
      t.diagnostic(`round ${round}: ${acknowledged.length} acknowledged, ${size} in the log`)
    }
  })
})

describe('the reading thread of a SQLite ledger', () => {
  const stage = stagePerTest(open)
  /** A question as of some time is never answered without the thread. */
  const THREAD = { direction: 'up', asOf: 1_000_000 } as const

  it('does not keep the process alive', async () => {
    const program = `
      import { openSqliteLedger } from ${JSON.stringify(join(REPOSITORY, 'graph/sqlite/ledger.ts'))}
      const ledger = await openSqliteLedger(${JSON.stringify(fileIn(stage.folder))})
      const { nodes } = await ledger.lineage('${stage.actor}', ${JSON.stringify(THREAD)})
      console.log(nodes.length)`

    assert.deepEqual(await outputOf(['--input-type=module', '--eval', program]), ['1'])
  })

  it('is started anew after it broke', async () => {
    const elsewhere = `${fileIn(stage.folder)}-elsewhere`
    await rename(fileIn(stage.folder), elsewhere)
    const broken = stage.ledger.lineage(stage.actor, THREAD)
    await assert.rejects(broken, { code: 'INTERNAL' })
    await rename(elsewhere, fileIn(stage.folder))

    const { nodes } = await stage.ledger.lineage(stage.actor, THREAD)

    assert.equal(nodes.length, 1)
  })

  it('is broken off by close, and who waits is told', async () => {
    const asking = stage.ledger.lineage(stage.actor, THREAD)
    const verifying = stage.ledger.verify()

    const outcomes = Promise.allSettled([asking, verifying])
    await stage.ledger.close()

    const codes = (await outcomes).map(one => one.status === 'rejected' && one.reason.code)
    assert.deepEqual(codes, ['UNAVAILABLE', 'UNAVAILABLE'])
  })

  it('gives the answers that are given without it, also where those end', async () => {
    const hub = entity()
    const nodes = [hub, ...Array.from({ length: 600 }, () => entity())]
    const [below, above] = [nodes.slice(1, 67), nodes.slice(67)]
    const edges = [...below.map(one => derived(one, hub)), ...above.map(one => derived(hub, one))]
    await stage.say({ nodes, edges })
    const sorted = (graph: Graph) => ({ ...graph, edges: graph.edges.map(edgeText).sort() })

    for (const direction of ['up', 'down'] as const) {
      for (const limit of [0, 1, 62, 63, 64, 65, 66, undefined]) {
        for (const start of [hub, nodes[1]!, nodes[600]!]) {
          const query = { direction, ...(limit === undefined ? {} : { limit }) }
          const [short, long] = await Promise.all([
            stage.ledger.lineage(start.id, query),
            stage.ledger.lineage(start.id, { ...query, asOf: THREAD.asOf }),
          ])
          assert.deepEqual(sorted(short), sorted(long))
        }
      }
    }
  })

  it('is found by a package of JavaScript as well', async () => {
    const built = await mkdtemp(join(tmpdir(), 'kaos-built-'))
    try {
      await buildInto(built)
      const ledger = pathToFileURL(join(built, 'graph', 'sqlite', 'ledger.js')).href
      const program = `
        import { openSqliteLedger } from ${JSON.stringify(ledger)}
        const ledger = await openSqliteLedger(${JSON.stringify(fileIn(stage.folder))})
        const { nodes } = await ledger.lineage('${stage.actor}', ${JSON.stringify(THREAD)})
        console.log(nodes.length, (await ledger.verify()).length)
        await ledger.close()`

      assert.deepEqual(await outputOf(['--input-type=module', '--eval', program]), ['1 0'])
    } finally {
      await rm(built, { recursive: true })
    }
  })
})

/** Compiles the ledger as the package is compiled. */
async function buildInto(folder: string): Promise<void> {
  const config = join(folder, 'tsconfig.json')
  const settings = {
    extends: join(REPOSITORY, 'tsconfig.build.json'),
    compilerOptions: { rootDir: REPOSITORY, outDir: folder, types: [], noCheck: true },
    include: ['api', 'graph'].map(layer => join(REPOSITORY, layer)),
  }
  await writeFile(config, JSON.stringify(settings))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  const compiler = spawn(join(REPOSITORY, 'node_modules', '.bin', 'tsc'), ['-p', config], {
    stdio: 'inherit',
  })
  assert.deepEqual(await once(compiler, 'exit'), [0, null])
}

/** Lets a program commit until it has acknowledged so many, then kills it. All that it ever
 * acknowledged, a list of words each. */
async function commitUntilKilled(file: string, enough: number): Promise<string[][]> {
  const child = spawn(execPath, [COMMITTING, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged: string[][] = []
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line.split(' '))
    if (acknowledged.length === enough) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
  return acknowledged.filter(words => words.length === 3 && words[2] !== '')
}

/** The lines that a program writes before it ends by itself. */
async function outputOf(args: readonly string[]): Promise<string[]> {
  const child = spawn(execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: HANGS_MS })
  const lines = await Array.fromAsync(createInterface({ input: child.stdout }))
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0)
  return lines
}

function edit(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}
