/* Speed of the questions over the ledger, both back ends in one run, each question also by hand on the
 * bare engine. Prints, never asserts. docs/speed-graph.md says how to run it. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { markdownTable, plainTable, withTable } from '../report.ts'
import { type Engine, neo4jEngine, sqliteEngine } from './engines.ts'
import { generate } from './generate.ts'
import { blockRows, commitRows, growthRows, questionRows } from './rows.ts'
import { measure, type Results } from './run.ts'
import { type Settings, settingsOf } from './settings.ts'

const settings = settingsOf(process.argv.slice(2), process.env)
const began = new Date()
const folder = settings.keep ?? (await mkdtemp(join(settings.work, 'kaos-bench-graph-')))
await mkdir(folder, { recursive: true })

async function measured(engine: Engine, tenth: Engine): Promise<Results> {
  try {
    return await measure(engine, tenth, settings)
  } finally {
    // What is left behind is a pity; the figures are there all the same.
    for (const one of settings.keep === undefined ? [engine, tenth] : []) {
      await one.remove().catch(error => console.error(`${one.name}: not removed: ${error.message}`))
    }
  }
}

async function run({ scale, neo4j, sqlite }: Settings): Promise<Results[]> {
  const [whole, tenth] = [generate(scale), generate(scale / 10)]
  console.log(`a graph of ${whole.nodes.length} nodes and ${whole.edges.length} edges`)
  const found: Results[] = []
  if (sqlite) {
    const file = (name: string) => join(folder, `${name}.sqlite`)
    const engines = [sqliteEngine(whole, file('whole')), sqliteEngine(tenth, file('tenth'))]
    found.push(await measured(engines[0]!, engines[1]!))
  }
  if (neo4j) {
    const engines = [
      neo4jEngine(whole, neo4j, 'BenchWhole'),
      neo4jEngine(tenth, neo4j, 'BenchTenth'),
    ]
    found.push(await measured(engines[0]!, engines[1]!))
  }
  return found
}

try {
  const found = await run(settings)
  const missing = settings.neo4j ? [] : ['Neo4j: peer missing (KAOS_TEST_NEO4J_URL or --neo4j-url)']
  const tables = [questionRows(found), growthRows(found), commitRows(found), blockRows(found)]
  console.log(['', ...tables.map(plainTable), ...missing].join('\n\n'))
  if (settings.markdown !== undefined) {
    const when = `${began.toISOString().slice(0, 16).replace('T', ' ')} UTC, node ${process.version}`
    const on = `${cpus().length} cores of ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`
    const part = settings.scale === 1 ? '' : ` **Only ${settings.scale} of the size.**`
    const text = [`${when}, ${on}.${part}`, ...tables.map(markdownTable), ...missing].join('\n\n')
    const page = await readFile(settings.markdown, 'utf8')
    await writeFile(settings.markdown, withTable(page, text))
  }
} finally {
  if (settings.keep === undefined) await rm(folder, { recursive: true, force: true })
}
