/* An object arrives: its bytes become a file of the store while they are hashed, and nothing of it is
 * kept unless they are what the object's name says. */
import type { Actor } from '../../api/actor.ts'
import { newId } from '../../api/ids.ts'
import type { Expectation, RecordWrite } from '../../graph/ledger.ts'
import { type HashName, type TakenBlob, takeBlob } from '../blobs/blobs.ts'
import { retrying } from '../jobs/reading.ts'
import type { Reservation } from '../parts.ts'
import type { Rooms } from '../rooms.ts'
import { FOLDERS, keyOf, type Looked, type Objects, type Remote, recordOf } from './objects.ts'

export interface Body {
  readonly source: AsyncIterable<Uint8Array>
  /** Bytes that its sender said would come, 0 when not said. */
  readonly length: number
}

export interface Arrival {
  readonly remote: Remote
  /** Under which the remote keeps it. */
  readonly name: string
  readonly body: Body
  readonly hashes: readonly HashName[]
  /** Says what is written with the object; throws what the sender is told when the bytes are not
   * those of the name. */
  accept(blob: TakenBlob): readonly RecordWrite[]
}

export interface Arrivals {
  /** Durable when it resolves: true if it was not there before. */
  take(actor: Actor, arrival: Arrival): Promise<boolean>
  /** Whether something is coming to this remote just now. */
  busy(remote: Remote): boolean
}

export function openArrivals(parts: Rooms, objects: Objects): Arrivals {
  const { ledger, intake, transfer, quotas, now } = parts
  const coming = new Map<string, number>()

  function count(remote: Remote, by: 1 | -1): void {
    const key = keyOf.at(remote)
    const number = (coming.get(key) ?? 0) + by
    if (number === 0) coming.delete(key)
    else coming.set(key, number)
  }

  async function receive(actor: Actor, arrival: Arrival): Promise<boolean> {
    const session = newId()
    const { remote, hashes, body } = arrival
    const room = await quotas.reserve(remote.workspace, body.length)
    let held = false
    try {
      const source = metered(body, room)
      const blob = await takeBlob(parts, { session, source, hashes, plain: true })
      held = blob.held
      const records = arrival.accept(blob)
      const isNew = await intake.relying(async expect => {
        // Before its bytes are put: they alone do not bring back what was removed.
        const before = await objects.look(remote, arrival.name)
        await blob.keep()
        return retrying(() => record(actor, arrival, blob, before, records, expect))
      })
      if (isNew) await room.settle(blob.size)
      return isNew
    } finally {
      await room.release()
      if (!held) await transfer.end(session)
    }
  }

  /** `epoch`: what every fact about content expects. */
  async function record(
    actor: Actor,
    { remote, name }: Arrival,
    { file, size }: TakenBlob,
    before: Looked,
    records: readonly RecordWrite[],
    epoch: readonly Expectation[],
  ): Promise<boolean> {
    const { object, version } = await objects.look(remote, name)
    const isKnown =
      object !== undefined && (before.object !== undefined || version !== before.version)
    // What belongs to folders is made sure of: the last version that has it may have been removed.
    if (isKnown && object.holder !== FOLDERS) return false
    const at = new Date(now()).toISOString()
    const key = keyOf.object(remote, name)
    const value = recordOf({ file, size, at, by: actor.id })
    await ledger.commit({
      actor: actor.id,
      organisation: remote.organisation,
      expect: [...epoch, { record: key, version }],
      records: [
        ...(isKnown ? [] : [{ key, value }, ...records]),
        { key: keyOf.loose(remote, name), value: {} },
        { key: keyOf.at(remote), value: { at: now() } },
      ],
    })
    return !isKnown
  }

  return {
    async take(actor, arrival) {
      count(arrival.remote, 1)
      try {
        return await receive(actor, arrival)
      } finally {
        count(arrival.remote, -1)
      }
    },
    busy: remote => coming.has(keyOf.at(remote)),
  }
}

/** Room for bytes that nobody announced is set aside in steps that grow, up to this. */
const STEP_MAX = 16 * 1024 * 1024

async function* metered(
  { source, length }: Body,
  room: Reservation,
): AsyncGenerator<Uint8Array, void, undefined> {
  let reserved = length
  let came = 0
  for await (const bytes of source) {
    came += bytes.length
    if (came > reserved) {
      const more = Math.max(came - reserved, Math.min(Math.floor(came / 4), STEP_MAX))
      await room.add(more)
      reserved += more
    }
    yield bytes
  }
}
