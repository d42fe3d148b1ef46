/* Journals where several servers share one ledger: any of them may be told the next part of a log,
 * and any may be asked for it. What is acknowledged is in records; what has grown large goes into the
 * store, so that the ledger keeps little.
 *
 *   <name>/<attempt>/<offset>   {text: base64} or {file: digest}, with its size */
import type { Digest } from '../../api/digest.ts'
import { isKaosError, type KaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import type { Json, LedgerRecord, RecordWrite } from '../../graph/ledger.ts'
import { putBytes, readFile } from '../../store/trees.ts'
import { keyOf as recordKey } from '../jobs/records.ts'
import { openTurns } from '../jobs/turns.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'
import { notesOf } from '../transfer/notes.ts'
import { gap, JOURNAL_MAX, type Journals, tooLong } from './journal.ts'
import { stale } from './live.ts'

/** Of one record, before base64. */
const PIECE = 128 * 1024
/** So much in records goes into the store. */
const SEAL = 1024 * 1024
const OFFSET_DIGITS = 12
const TURNS = 5

type Part = { size: number; text: string } | { size: number; file: Digest }
type Ground = Pick<Parts, 'ledger' | 'store' | 'intake' | 'people' | 'now'>

export function openLedgerJournals(name: string, ground: Ground): Journals {
  const { ledger, store, intake, people, now } = ground
  const turns = openTurns()
  const keyOf = (attempt: string, offset: number) =>
    `${name}/${attempt}/${String(offset).padStart(OFFSET_DIGITS, '0')}`
  const partsOf = (attempt: string) =>
    Array.fromAsync(recordsBelow(ledger, `${name}/${attempt}/`), partIn)

  function commit(records: RecordWrite[], more: object = {}) {
    const { id: actor, organisation } = people.system
    return ledger.commit({ actor, organisation, records, ...more })
  }

  /** Fails with CONFLICT when another server appended meanwhile. */
  async function appendOnce(attempt: string, offset: number, bytes: Buffer): Promise<number> {
    const parts = await partsOf(attempt)
    const end = endOf(parts)
    if (offset > end) throw gap(attempt, offset, end)
    const fresh = bytes.subarray(Math.min(end - offset, bytes.length))
    if (end + fresh.length > JOURNAL_MAX) throw tooLong()
    if (fresh.length === 0) return end
    const records: RecordWrite[] = []
    for (let at = 0; at < fresh.length; at += PIECE) {
      const piece = fresh.subarray(at, at + PIECE)
      const value = { size: piece.length, text: piece.toString('base64') }
      records.push({ key: keyOf(attempt, end + at), value })
    }
    // An attempt that has ended keeps no journal.
    const held = await recordAt(ledger, recordKey.attempt(attempt))
    if (!held) throw stale(attempt)
    const expect = [
      { record: keyOf(attempt, end), version: 0 },
      { record: held.key, version: held.version },
    ]
    await commit(records, { expect })
    return end + fresh.length
  }

  /** What lies in records goes into the store when it has become much. */
  async function seal(attempt: string): Promise<void> {
    const loose = (await partsOf(attempt)).filter(({ part }) => 'text' in part)
    const [first] = loose
    if (first === undefined || loose.reduce((sum, { part }) => sum + part.size, 0) < SEAL) return
    await intake.relying(async relied => {
      const file = await putBytes(store, Buffer.concat(loose.map(({ part }) => textOf(part))))
      const chunks = [...chunksIn(await store.get(file.digest))].map(({ digest }) => digest)
      const value: Json = { size: file.size, file: file.digest }
      const gone = loose.slice(1).map(({ key }) => ({ key, value: null }))
      const records = [
        { key: first.key, value },
        ...gone,
        ...notesOf(attempt, [file.digest, ...chunks], now()),
      ]
      const same = loose.map(({ key, version }) => ({ record: key, version }))
      await commit(records, { expect: [...relied, ...same] })
    })
  }

  async function remove(attempt: string): Promise<void> {
    const gone = (await partsOf(attempt)).map(({ key }) => ({ key, value: null }))
    if (gone.length > 0) await commit(gone)
  }

  return {
    append: (attempt, offset, bytes, readable) =>
      turns.take(attempt, async () => {
        const body = Buffer.concat(await Array.fromAsync(bytes))
        for (let turn = 1; ; turn++) {
          try {
            const end = await appendOnce(attempt, offset, body)
            readable()
            // Another server may be at it as well, and then it is done.
            await seal(attempt).catch(unlessConflict)
            return end
          } catch (error) {
            if (turn >= TURNS || !isBeaten(error)) throw error
          }
        }
      }),
    async *read(attempt, offset) {
      for (const { start, part } of await partsOf(attempt)) {
        const skip = offset - start
        if (skip >= part.size) continue
        if ('text' in part) yield textOf(part).subarray(Math.max(0, skip))
        else yield* behind(readFile(store, part.file), Math.max(0, skip))
      }
    },
    remove: attempt => turns.take(attempt, () => remove(attempt)),
    async keepOnly() {
      const attempts = new Set<string>()
      for await (const { key } of recordsBelow(ledger, `${name}/`)) {
        attempts.add(key.slice(name.length + 1, key.lastIndexOf('/')))
      }
      // Looked up one by one: another server may have begun one a moment ago.
      for (const attempt of attempts) {
        if (!(await recordAt(ledger, recordKey.attempt(attempt)))) await remove(attempt)
      }
    },
  }
}

interface Placed {
  readonly key: string
  readonly version: number
  readonly start: number
  readonly part: Part
}

function partIn({ key, version, value }: LedgerRecord): Placed {
  const start = Number(key.slice(key.lastIndexOf('/') + 1))
  return { key, version, start, part: value as Part }
}

function endOf(parts: readonly Placed[]): number {
  const last = parts.at(-1)
  return last === undefined ? 0 : last.start + last.part.size
}

function textOf(part: Part): Buffer {
  return Buffer.from('text' in part ? part.text : '', 'base64')
}

async function* behind(
  bytes: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of bytes) {
    const rest = chunk.subarray(Math.min(left, chunk.length))
    left -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}

/** A conflict of the ledger; that of a gap names the offset and is the caller's. */
function isBeaten(error: unknown): boolean {
  return isKaosError(error, 'CONFLICT') && (error as KaosError).detail.offset === undefined
}

function unlessConflict(error: unknown): void {
  if (!isKaosError(error, 'CONFLICT')) throw error
}
