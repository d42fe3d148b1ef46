/* Work on the ledger while no server runs: `node server/upkeep/main.ts rebuild|migrate [--to ENGINE]`,
 * with the settings of `kaos up`. One line for people, or with --json one object; exit codes as the CLI's. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { toNeo4j, toSqlite } from '../../graph/neo4j/migrate.ts'
import { rebuildProjection } from '../../graph/sqlite/rebuild.ts'
import { loadSettings } from '../config.ts'
import { lockFolder } from '../lock.ts'
import type { Settings } from '../parts.ts'

const [what, ...rest] = process.argv.slice(2)

async function migrate(settings: Settings, to: string | undefined): Promise<string> {
  const { neo4j, data } = settings
  const file = join(data, 'ledger.sqlite')
  if (to !== 'neo4j' && to !== 'sqlite') throw usage('say where to: --to neo4j or --to sqlite')
  if (neo4j === undefined) throw usage('name the Neo4j: set KAOS_NEO4J_URL and its password')
  if (to === 'neo4j') {
    const { size, root } = await toNeo4j(file, neo4j)
    const next = `${file} is as it was; from now on start with KAOS_NEO4J_URL set`
    return `${size} statements are in ${neo4j.url}, root ${root}. ${next}`
  }
  const { size, root } = await toSqlite(neo4j, file)
  return `${size} statements are in ${file}, root ${root}. From now on start without KAOS_NEO4J_URL`
}

function rebuild({ neo4j, data }: Settings): string {
  if (neo4j !== undefined) {
    const way = 'kaos admin ledger migrate --to sqlite, rebuild there, and migrate back'
    throw usage(`the graph of a ledger in Neo4j is rebuilt by way of a file: ${way}`)
  }
  const file = join(data, 'ledger.sqlite')
  if (!existsSync(file)) throw new KaosError('NOT_FOUND', `there is no ledger ${file}; give --data`)
  const wrong = rebuildProjection(file)
  if (wrong.length === 0) return 'the graph was what the log says; it was built anew all the same'
  return ['the graph was built anew from the log; before,', ...wrong.map(one => `  ${one}`)].join(
    '\n',
  )
}

function usage(message: string): KaosError {
  return new KaosError('USAGE', message)
}

try {
  const to = rest[0] === '--to' ? rest[1] : undefined
  const settings = await loadSettings(to === undefined ? rest : rest.slice(2))
  const lock = lockFolder(settings.data)
  try {
    console.log(what === 'rebuild' ? rebuild(settings) : await migrate(settings, to))
  } finally {
    lock.release()
  }
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  console.error(`Error - ${message}`)
  process.exitCode = isKaosError(error) ? error.exit : 1
}
