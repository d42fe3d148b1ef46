/* How many jobs a second 32 clients can commit at once, each waiting until his is durable: through the
 * ledger, which adds log, tree, checks and proofs; and by hand, the same rows without all that. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import neo4j from 'neo4j-driver'
import { HEAP_FLAGS } from '../../api/heap.ts'
import { newId } from '../../api/ids.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Neo4jPlace } from '../../graph/neo4j/connection.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { namesWith } from '../../graph/neo4j/names.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import type { Orders } from './committer.ts'
import type { Walk, WalkOrders } from './walker.ts'

export interface CommitRun {
  readonly perSecond: number
  /** Milliseconds of each commit. */
  readonly latencies: number[]
}

export type Server =
  | { readonly sqlite: string }
  | { readonly neo4j: Neo4jPlace; readonly prefix: string }

const CLIENTS = 32
const processAt = (name: string) => new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)

/** Each server is a process of its own, and has its part of the clients. */
export async function ledgerJobs(servers: readonly Server[], seconds: number): Promise<CommitRun> {
  const clients = CLIENTS / servers.length
  const runs = await Promise.all(servers.map(server => committed({ server, clients, seconds })))
  return {
    perSecond: runs.reduce((sum, run) => sum + run.perSecond, 0),
    latencies: runs.flatMap(run => run.latencies),
  }
}

const committed = (orders: Orders) => answerOf<CommitRun>('committer', orders)

/** Everything that came of a hub, through the ledger of a process of its own. */
export const walkedBy = (orders: WalkOrders) => answerOf<Walk>('walker', orders)

/** What a process of ours answers. */
async function answerOf<T>(name: string, orders: object): Promise<T> {
  const child = fork(processAt(name), { stdio: 'inherit', execArgv: [...HEAP_FLAGS] })
  child.send(orders)
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the ${name} ended with ${code}`)
  })
  failed.catch(() => {})
  const [answer] = (await Promise.race([once(child, 'message'), failed])) as [T]
  return answer
}

export function serverLedger(server: Server): Promise<Ledger> {
  return 'sqlite' in server
    ? openSqliteLedger(server.sqlite)
    : openNeo4jLedger(server.neo4j, { prefix: server.prefix })
}

const SCHEMA = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE node (n INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, name TEXT, attributes TEXT);
  CREATE INDEX node_name ON node (name);
  CREATE TABLE edge (src INTEGER, rel INTEGER, dst INTEGER, role TEXT, PRIMARY KEY (src, rel, dst)) WITHOUT ROWID;
  CREATE UNIQUE INDEX edge_reverse ON edge (dst, rel, src);`

/** One transaction for what 32 clients want, as somebody would write it who knows what group commit is. */
export async function bareSqliteJobs(file: string, seconds: number): Promise<CommitRun> {
  const database = new DatabaseSync(file)
  database.exec(SCHEMA)
  const node = database.prepare('INSERT INTO node (id, kind, name, attributes) VALUES (?, ?, ?, ?)')
  const edge = database.prepare('INSERT INTO edge VALUES (?, ?, ?, ?)')
  const add = (kind: string) =>
    Number(node.run(newId(), kind, `${kind}:e23a2`, '{"files":3}').lastInsertRowid)
  const [user, worker] = [add('user'), add('worker')]
  const latencies: number[] = []
  const start = performance.now()
  for (let at = start; at < start + seconds * 1000; ) {
    database.exec('BEGIN IMMEDIATE')
    for (let client = 0; client < CLIENTS; client++) {
      const trial = add('trial')
      const made = ['model', 'log', 'environment', 'metrics', 'measurements'].map(add)
      for (const one of made) edge.run(one, 2, trial, null)
      edge.run(made[0]!, 5, user, null)
      edge.run(trial, 4, user, 'user')
      edge.run(trial, 4, worker, 'worker')
    }
    database.exec('COMMIT')
    const now = performance.now()
    for (let client = 0; client < CLIENTS; client++) latencies.push(now - at)
    at = now
  }
  const perSecond = (latencies.length * 1000) / (performance.now() - start)
  database.close()
  return { perSecond, latencies }
}

const JOB = (prov: string) => `
  MATCH (u:${prov} {id: $user}), (w:${prov} {id: $worker})
  CREATE (t:${prov} {id: $ids[0], kind: 'trial'})-[:wasAssociatedWith {role: 'user'}]->(u)
  CREATE (t)-[:wasAssociatedWith {role: 'worker'}]->(w)
  WITH t, u UNWIND range(1, 5) AS i
  CREATE (e:${prov} {id: $ids[i], kind: 'entity', attributes: '{"files":3}'})-[:wasGeneratedBy]->(t)
  WITH u, collect(e) AS made WITH u, made[0] AS model CREATE (model)-[:wasAttributedTo]->(u)`

/** A transaction for each job, 32 sessions at once. */
export async function bareNeo4jJobs(
  place: Neo4jPlace,
  prefix: string,
  seconds: number,
): Promise<CommitRun> {
  const driver = neo4j.driver(place.url, neo4j.auth.basic(place.user, place.password))
  const { prov } = namesWith(prefix)
  const [user, worker] = [newId(), newId()]
  await driver.executeQuery(`CREATE (:${prov} {id: $user}), (:${prov} {id: $worker})`, {
    user,
    worker,
  })
  const latencies: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() < end) {
        const begun = performance.now()
        const ids = Array.from({ length: 6 }, () => newId())
        await driver.executeQuery(JOB(prov), { user, worker, ids })
        latencies.push(performance.now() - begun)
      }
    }),
  )
  const perSecond = (latencies.length * 1000) / (performance.now() - start)
  await driver.close()
  return { perSecond, latencies }
}
