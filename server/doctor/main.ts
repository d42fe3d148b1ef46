/* Looks at this host with the settings of `kaos up`, whether a server runs here or not. Told by one line
 * of JSON on its input, it answers one: {"result": {findings}} or {"error"}. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { isKaosError } from '../../api/errors.ts'
import type { DoctorFinding as Finding } from '../../api/wire.ts'
import { connect } from '../../graph/neo4j/connection.ts'
import { STEPS } from '../../graph/sqlite/schema.ts'
import { askPython, tryAbilities } from '../../runners/process/host.ts'
import { loadSettings, pythonOf } from '../config.ts'
import { lockFolder } from '../lock.ts'
import type { Settings } from '../parts.ts'
import { bad, good, type Look, lookAll, warning } from './findings.ts'
import { hostLooks } from './host.ts'
import { lookAtRedis } from './redis.ts'

const SQLITE_HEAD = 'SELECT head.size AS size, meta.schema AS schema FROM head, meta'

function looksOf(settings: Settings): Record<string, Look> {
  const { neo4j, s3, redis, data } = settings
  return {
    server: () => server(data),
    ledger: () => (neo4j ? lookAtNeo4j(neo4j) : ledgerFile(join(data, 'ledger.sqlite'))),
    ...(s3 && { store: () => bucket(s3) }),
    ...(redis && { queue: () => lookAtRedis(redis) }),
    ...hostLooks(settings, { askPython, tryAbilities, python: pythonOf() }, Date.now),
  }
}

async function server(data: string): Promise<Finding> {
  if (!existsSync(join(data, 'server.lock')))
    return good('server', 'none runs here; start it: kaos up')
  try {
    lockFolder(data).release()
    return good('server', `none has ${data} open; start it: kaos up`)
  } catch (error) {
    if (!isKaosError(error, 'LOCKED')) throw error
    const pid = (await readFile(join(data, 'server.pid'), 'utf8').catch(() => '?')).trim()
    return good('server', `the process ${pid} has ${data} open`)
  }
}

async function ledgerFile(file: string): Promise<Finding> {
  if (!existsSync(file)) return good('ledger', `${file} is made at the first start`)
  const restore = 'restore it: kaos admin restore DIR (docs/backup.md)'
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 2000 })
    const { size, schema } = database.prepare(SQLITE_HEAD).get() as { size: number; schema: number }
    const wrong = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
    if (wrong !== 'ok') return bad('ledger', `${file} is damaged: ${wrong}`, restore)
    const what = `${file}: ${size} statements, schema ${schema}`
    if (schema > STEPS.length)
      return bad('ledger', `${what}, of a newer kaos`, 'start that version')
    if (schema === STEPS.length) return good('ledger', what)
    return warning(
      'ledger',
      `${what}; the next start brings it to ${STEPS.length}`,
      'keep a backup',
    )
  } catch (error) {
    return bad('ledger', `${file} cannot be read: ${(error as Error).message}`, restore)
  } finally {
    database?.close()
  }
}

async function lookAtNeo4j(place: NonNullable<Settings['neo4j']>): Promise<Finding[]> {
  try {
    const connection = await connect(place)
    const [row] = await connection
      .read(
        `CALL dbms.components() YIELD name, versions, edition WHERE name = 'Neo4j Kernel'
         RETURN versions[0] AS version, edition, datetime().epochMillis AS at`,
      )
      .finally(() => connection.close())
    const skew = Math.round((Date.now() - (row?.at as number)) / 1000)
    const found = good('ledger', `Neo4j ${row?.version} (${row?.edition}) answers at ${place.url}`)
    if (Math.abs(skew) < 5) return [found]
    const what = `the clock of Neo4j is ${Math.abs(skew)} seconds ${skew > 0 ? 'behind' : 'ahead of'} this one`
    return [found, warning('clock', what, 'set both right (timedatectl set-ntp true)')]
  } catch (error) {
    return [
      bad('ledger', (error as Error).message, 'start it, or check KAOS_NEO4J_* (kaos config)'),
    ]
  }
}

async function bucket(place: NonNullable<Settings['s3']>): Promise<Finding> {
  const { S3Client } = await import('../../store/s3/client.ts')
  const where = `the bucket ${place.bucket} at ${place.endpoint}`
  try {
    const { client } = new S3Client(place)
    if (await client.bucketExists(place.bucket)) return good('store', `${where} answers`)
    return good('store', `${where} is made at the first start`)
  } catch (error) {
    const why = (error as Error).message || String((error as { code?: string }).code)
    return bad('store', `${where}: ${why}`, 'start it, or check KAOS_S3_* (kaos config)')
  }
}

async function findings(): Promise<Finding[]> {
  const { data } = JSON.parse((await text(process.stdin)) || '{}') as { data?: string }
  try {
    return await lookAll(looksOf(await loadSettings(data === undefined ? [] : ['--data', data])))
  } catch (error) {
    if (!isKaosError(error, 'CONFIGURATION')) throw error
    return [
      bad('settings', error.message, 'see what is in force and where it came from: kaos config'),
    ]
  }
}

try {
  console.log(JSON.stringify({ result: { findings: await findings() } }))
  process.exit(0)
} catch (error) {
  const code = isKaosError(error) ? error.code : 'INTERNAL'
  console.log(JSON.stringify({ error: { code, message: (error as Error).message, detail: {} } }))
  process.exit(1)
}
