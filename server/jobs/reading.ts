/* Typed reading and writing of records and pointers by exact name. */
import { setImmediate as turn } from 'node:timers/promises'
import { isKaosError } from '../../api/errors.ts'
import type { Expectation, Json, Ledger, RecordWrite } from '../../graph/ledger.ts'
import { isEpochOver } from '../care/intake.ts'

/** A record as it was read; `version` for compare and set. */
export interface Held<T> {
  readonly key: string
  readonly version: number
  readonly value: T
}

const PAGE = 1000
const TURNS = 25
const REST_AFTER = 100

export async function readRecord<T>(ledger: Ledger, key: string): Promise<Held<T> | undefined> {
  const [first] = await ledger.records(key, { limit: 1 })
  if (first?.key !== key) return undefined
  return { key, version: first.version, value: first.value as T }
}

/** All records whose key begins so, by key, a page at a time. */
export async function* recordsOf<T>(ledger: Ledger, prefix: string): AsyncGenerator<Held<T>> {
  let after: string | undefined
  for (;;) {
    const page = await ledger.records(prefix, { limit: PAGE, ...(after ? { after } : {}) })
    for (const { key, version, value } of page) yield { key, version, value: value as T }
    after = page.at(-1)?.key
    if (page.length < PAGE) return
  }
}

/** The same things, with a turn for everybody else now and then: an embedded ledger answers at once, so
 * that a long walk over it would keep all callers waiting. */
export async function* resting<T>(things: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0
  for await (const thing of things) {
    yield thing
    if (++count % REST_AFTER === 0) await turn()
  }
}

export async function readPointer(ledger: Ledger, name: string): Promise<string | null> {
  const [first] = await ledger.pointers(name, { limit: 1 })
  return first?.name === name ? first.target : null
}

export function write(key: string, value: object): RecordWrite {
  return { key, value: value as Json }
}

export function forget(key: string): RecordWrite {
  return { key, value: null }
}

export function same(held: Held<unknown>): Expectation {
  return { record: held.key, version: held.version }
}

export function absent(key: string): Expectation {
  return { record: key, version: 0 }
}

/** Reads and commits again while somebody else was first. Not when a collection went between: who
 * relies on content has to look at it again (parts.intake). */
export async function retrying<T>(attempt: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isKaosError(error, 'CONFLICT') || turn >= TURNS || isEpochOver(error)) throw error
    }
  }
}
