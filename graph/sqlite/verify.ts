/* Is the ledger what its log says? Reads the whole log once, in order: rehashes each payload, builds
 * the tree anew, and projects each statement into temporary tables; then compares leaves, root and
 * projection with what is stored. Erased payloads can not be rehashed and their part of the graph
 * can not be rebuilt: a later statement must say that they were erased, and what remains of them must
 * be what it says. Runs in a worker, on a connection of its own. */
import { append, EMPTY, type Frontier, rootOf } from '../../api/merkle.ts'
import { leafOf, type Payload } from '../payload.ts'
import { compareProjection } from './compare.ts'
import type { Database } from './database.ts'
import { checkErased, type Erased } from './erased.ts'
import { type Findings, openFindings } from './findings.ts'
import type { Row } from './nodes.ts'
import { replayInto } from './replay.ts'
import { projectionTables } from './schema.ts'
import { loadState } from './state.ts'

/** Statements that one call reads at a time; payloads may be large. */
const PAGE = 64

/** Sentences that say what differs; none when all is well. */
export function findDifferences(database: Database): string[] {
  const findings = openFindings()
  checkFile(database, findings)
  buildAnew(database, findings)
  compareProjection(database, findings)
  return findings.sentences()
}

/** Builds the projection anew in temporary tables; says what is wrong with the log, and where the
 * stored projection differs from what it says. */
export function rebuiltInto(database: Database): { log: string[]; projection: string[] } {
  const [log, projection] = [openFindings(), openFindings()]
  buildAnew(database, log)
  compareProjection(database, projection)
  return { log: log.sentences(), projection: projection.sentences() }
}

function buildAnew(database: Database, findings: Findings): void {
  database.exec(projectionTables('temp'))
  database.exec('CREATE TEMP TABLE erased (seq INTEGER PRIMARY KEY) STRICT')
  spareErased(database)
  const erasures = new Map<number, Erased>()
  checkHead(database, replayLog(database, findings, erasures), findings)
  checkErased(database, erasures, findings)
}

/** Pages, and indexes against their tables. */
function checkFile(database: Database, findings: Findings): void {
  for (const row of database.sql('PRAGMA main.integrity_check(20)').all()) {
    const [text] = Object.values(row)
    if (text !== 'ok') findings.add(`the file is damaged: ${text}`)
  }
}

/** What erased statements made stays as it is: later statements build on it. */
function spareErased(database: Database): void {
  database.exec(`
    INSERT INTO temp.erased SELECT seq FROM main.statement WHERE payload IS NULL;
    INSERT INTO temp.node SELECT * FROM main.node
      WHERE EXISTS (SELECT 1 FROM temp.erased) AND seq IN (SELECT seq FROM temp.erased)`)
}

function replayLog(
  database: Database,
  findings: Findings,
  erasures: Map<number, Erased>,
): Frontier {
  const replay = replayInto(database, 'temp', findings.add)
  let frontier = EMPTY
  let next = 0
  let latest = 0
  for (const row of statementsOf(database)) {
    const [seq, at] = [row.seq as number, row.at as number]
    if (seq !== next) findings.add(`statements ${next} to ${seq - 1} are missing`)
    if (at < latest) findings.add(`statement ${seq} is older than one before it`)
    const payload = checkedPayload(row, findings)
    if (payload !== undefined) replay.statement(payload, at)
    for (const { seq: gone, remains } of payload?.erases ?? []) {
      erasures.set(gone, { by: seq, remains })
    }
    frontier = append(frontier, Buffer.from(row.leaf as Uint8Array))
    next = seq + 1
    latest = Math.max(latest, at)
  }
  replay.end()
  return frontier
}

function* statementsOf(database: Database): Generator<Row> {
  const page = database.sql(
    `SELECT seq, at, salt, leaf, payload FROM main.statement WHERE seq >= ? ORDER BY seq LIMIT ${PAGE}`,
  )
  for (let from = 0; ; ) {
    const rows = page.all(from)
    yield* rows
    if (rows.length < PAGE) return
    from = (rows.at(-1)?.seq as number) + 1
  }
}

/** The payload if it is what was hashed; undefined if not, or if it was erased. */
function checkedPayload(row: Row, findings: Findings): Payload | undefined {
  const { seq, at, leaf, payload } = row
  const salt = row.salt as Uint8Array | null
  if (payload === null) return undefined
  if (salt === null || !leafOf(salt, payload as string).equals(leaf as Uint8Array)) {
    findings.add(`statement ${seq}: its payload does not have the hash of its leaf`)
    return undefined
  }
  const said = JSON.parse(payload as string) as Payload
  if (said.seq === seq && Date.parse(said.at) === at) return said
  findings.add(`statement ${seq}: number or time are not those of its payload`)
  return undefined
}

function checkHead(database: Database, frontier: Frontier, findings: Findings): void {
  const state = loadState(database)
  if (state.size !== frontier.size) {
    findings.add(`the head counts ${state.size} statements, the log holds ${frontier.size}`)
  } else if (!rootOf(state).equals(rootOf(frontier))) {
    findings.add('the root of the head is not the root of the leaves')
  }
}
