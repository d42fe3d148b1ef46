/* The room that a workspace takes by what it sends, set aside before it is read. */
import type { BodyFrom, Quotas, Reservation } from '../parts.ts'
import { piecesOf } from './bodies.ts'

/** Of a body whose length is not known before: so much is set aside at a time. */
const STEP = 8 * 1024 * 1024

/** Does the work with the body. What came counts for the workspace; of a failure nothing does. */
export async function metered<T>(
  quotas: Quotas,
  body: AsyncIterable<Uint8Array>,
  from: BodyFrom | undefined,
  work: (body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  if (from === undefined) return work(body)
  const reservation = await quotas.reserve(from.workspace, from.bytes ?? 0)
  const meter = new Meter(reservation, from.bytes ?? 0)
  try {
    const result = await work(meter.over(body))
    await reservation.settle(meter.bytes)
    return result
  } catch (error) {
    await reservation.release()
    throw error
  }
}

/** The same for a body whose length is known and kept to: of more than that nothing is read. */
export async function meteredWhole<T>(
  quotas: Quotas,
  from: BodyFrom | undefined,
  bytes: number,
  work: () => Promise<T>,
): Promise<T> {
  if (from === undefined) return work()
  const reservation = await quotas.reserve(from.workspace, bytes)
  try {
    const result = await work()
    await reservation.settle(bytes)
    return result
  } catch (error) {
    await reservation.release()
    throw error
  }
}

class Meter {
  readonly #reservation: Reservation
  #reserved: number
  bytes = 0

  constructor(reservation: Reservation, reserved: number) {
    this.#reservation = reservation
    this.#reserved = reserved
  }

  async *over(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of piecesOf(body)) {
      this.bytes += piece.length
      if (this.bytes > this.#reserved) {
        const more = Math.max(STEP, this.bytes - this.#reserved)
        await this.#reservation.add(more)
        this.#reserved += more
      }
      yield piece
    }
  }
}
