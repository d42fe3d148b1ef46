/* The way to the database: texts with parameters in, rows out, and its errors in our words. Whole
 * numbers go out as Neo4j integers (a plain number would arrive as a float) and come back as numbers:
 * nothing the ledger counts passes 2^53. */
import { setTimeout as sleep } from 'node:timers/promises'
import neo4j, { type Driver, type ManagedTransaction, type Session } from 'neo4j-driver'
import { isKaosError, KaosError } from '../../api/errors.ts'

export type Value = null | string | number | boolean | readonly Value[] | { [key: string]: Value }
export type Row = Record<string, Value>
export type Ask = (text: string, parameters?: Record<string, Value>) => Promise<Row[]>

export interface Connection {
  /** One question, outside any transaction of ours. */
  readonly read: Ask
  /** All in one transaction. Repeated where the database, or the lack of it, says that it may be. */
  write<T>(work: (ask: Ask) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface Neo4jPlace {
  readonly url: string
  readonly user: string
  readonly password: string
  readonly database?: string
}

/** No question of ours takes so long; one that does is broken off by the database. */
const QUESTION_MS = 120_000
const CONNECT_MS = 15_000
const RETRY_MS = 20_000
const FIRST_PAUSE_MS = 50
/** The driver's own pauses double without end: a database that is back would be left alone for seconds. */
const LONGEST_PAUSE_MS = 500

export async function connect(place: Neo4jPlace): Promise<Connection> {
  const driver = neo4j.driver(place.url, neo4j.auth.basic(place.user, place.password), {
    useBigInt: true,
    connectionTimeout: CONNECT_MS,
    connectionAcquisitionTimeout: CONNECT_MS,
    maxTransactionRetryTime: 0,
    telemetryDisabled: true,
  })
  try {
    await driver.getServerInfo({ ...(place.database && { database: place.database }) })
  } catch (error) {
    await driver.close()
    throw unreachable(error)
  }
  return connectionOver(driver, place.database)
}

function connectionOver(driver: Driver, database: string | undefined): Connection {
  let closed = false

  async function within<T>(mode: 'READ' | 'WRITE', work: (session: Session) => Promise<T>) {
    if (closed) throw new KaosError('UNAVAILABLE', 'the ledger is closed')
    const session = driver.session({ defaultAccessMode: mode, ...(database && { database }) })
    try {
      return await work(session)
    } catch (error) {
      throw ledgerError(error)
    } finally {
      await session.close()
    }
  }

  return {
    read: (text, parameters = {}) =>
      within('READ', async session => {
        const config = { timeout: QUESTION_MS }
        const rows: Row[] = []
        // As they come from the socket: many at once would hold up everybody else.
        for await (const record of session.run(text, outgoing(parameters), config)) {
          rows.push(incoming(record.toObject() as Row) as Row)
        }
        return rows
      }),
    write: work =>
      within('WRITE', session =>
        insistently(() =>
          session.executeWrite(transaction => work(askIn(transaction)), { timeout: QUESTION_MS }),
        ),
      ),
    async close() {
      closed = true
      await driver.close()
    },
  }
}

/** Does it until it succeeds, or fails in a way that does not pass, or took too long. */
async function insistently<T>(once: () => Promise<T>): Promise<T> {
  const late = performance.now() + RETRY_MS
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await once()
    } catch (error) {
      if (!neo4j.isRetryableError(error as Error) || performance.now() > late) throw error
    }
    await sleep(pause * (0.75 + Math.random() / 2))
  }
}

function askIn(transaction: ManagedTransaction): Ask {
  return async (text, parameters = {}) => {
    const { records } = await transaction.run(text, outgoing(parameters))
    return records.map(record => incoming(record.toObject() as Row) as Row)
  }
}

/** Whole numbers as BigInt, which the driver sends as integers. */
function outgoing(value: Value): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(outgoing)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, outgoing(one)]))
}

function incoming(value: unknown): Value {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(incoming)
  if (typeof value !== 'object' || value === null) return value as Value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, incoming(one)]))
}

/** The error as users meet it; no query in its message. */
export function ledgerError(error: unknown): KaosError {
  if (isKaosError(error)) return error
  const code = String((error as { code?: unknown }).code ?? '')
  const options = { cause: error }
  if (isAway(code, String((error as Error)?.message))) {
    return new KaosError('UNAVAILABLE', 'the ledger (Neo4j) does not answer; try again', options)
  }
  if (code.includes('Security')) {
    const message = 'Neo4j refuses user and password; check KAOS_NEO4J_USER and KAOS_NEO4J_PASSWORD'
    return new KaosError('CONFIGURATION', message, options)
  }
  if (code.includes('ConstraintValidationFailed')) {
    return new KaosError('CONFLICT', 'somebody else wrote the same at this moment', options)
  }
  return new KaosError('INTERNAL', 'the ledger failed; the log of the server says why', options)
}

/** Whether it is the line that failed, or a database that is coming up or going down. */
function isAway(code: string, message: string): boolean {
  if (code === 'ServiceUnavailable' || code === 'SessionExpired') return true
  if (/Transient|DatabaseNotFound|DatabaseUnavailable/.test(code)) return true
  // Of the driver itself: no connection could be had in time, or the one that was had is gone.
  return code === 'N/A' && /acquisition timed out|closed|connection|pool/i.test(message)
}

function unreachable(error: unknown): KaosError {
  const known = ledgerError(error)
  if (known.code === 'CONFIGURATION') return known
  const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
  const message = `Neo4j does not answer (${why}); start it, or check KAOS_NEO4J_URL`
  return new KaosError('CONFIGURATION', message, { cause: error })
}
