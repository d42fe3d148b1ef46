/* One collector at a time, also among servers that share a ledger: a record that is renewed while it
 * works and runs out when its process has died. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'

export const COLLECTING = 'gc/lease'
export const CHECKING = 'fsck/lease'

const LIFE_MS = 30_000
const RENEWED_EVERY_MS = 5000

export interface Lease {
  /** Names this holding of it, so that work of several calls, and on several servers, can go on. */
  readonly holder: string
  /** CONFLICT when it was lost. Call it before what must not be done by two. */
  require(): Promise<void>
  release(): Promise<void>
  /** Renews it no more and leaves it standing for as long as it lives: another call goes on with it. */
  leave(): Promise<void>
}

interface Options {
  readonly ledger: Ledger
  readonly agent: string
  readonly now: () => number
}

const HELD = {
  [COLLECTING]: 'a collection or a backup is running; it ends by itself (kaos admin gc --status)',
  [CHECKING]: 'a check is running already; see it with: kaos admin fsck --status',
} as const

/** CONFLICT when somebody else holds it. */
export async function takeLease(key: keyof typeof HELD, options: Options): Promise<Lease> {
  const lease = new Renewed(key, newId(), 0, options)
  try {
    await lease.require()
  } catch (cause) {
    if (!isKaosError(cause, 'CONFLICT')) throw cause
    throw new KaosError('CONFLICT', HELD[key], { cause })
  }
  return lease.renewedByItself()
}

/** Goes on with one that was left. CONFLICT when it is over. */
export async function joinLease(
  key: keyof typeof HELD,
  holder: string,
  options: Options,
): Promise<Lease> {
  const record = await recordAt(options.ledger, key)
  const held = record?.value as { holder?: string } | undefined
  if (!record || held?.holder !== holder) {
    throw new KaosError(
      'CONFLICT',
      'too much time has passed, or the server was restarted; begin anew',
    )
  }
  const lease = new Renewed(key, holder, record.version, options)
  await lease.require()
  return lease.renewedByItself()
}

class Renewed implements Lease {
  readonly holder: string
  readonly #key: string
  readonly #options: Options
  #version: number
  /** When it was last renewed, on a clock that never jumps. */
  #held = performance.now()
  #renewing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(key: string, holder: string, version: number, options: Options) {
    this.#key = key
    this.holder = holder
    this.#version = version
    this.#options = options
  }

  renewedByItself(): this {
    // Should it be lost, `require` tells.
    this.#timer = setInterval(() => void this.require().catch(() => undefined), RENEWED_EVERY_MS)
    this.#timer.unref()
    return this
  }

  require(): Promise<void> {
    this.#renewing = this.#renewing.catch(() => undefined).then(() => this.#renew())
    return this.#renewing
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer)
    await this.#renewing.catch(() => undefined)
  }

  async release(): Promise<void> {
    await this.leave()
    const held = (await recordAt(this.#options.ledger, this.#key))?.value
    if ((held as { holder?: string } | undefined)?.holder !== this.holder) return
    await this.#write(null).catch(() => undefined)
  }

  /** A clock that was put forward makes the record expire at once. If nobody has taken it meanwhile, and
   * it is not this process that slept so long, it is held on. */
  async #renew(): Promise<void> {
    try {
      await this.#write({ holder: this.holder })
    } catch (error) {
      const slept = performance.now() - this.#held >= LIFE_MS
      if (!isKaosError(error, 'CONFLICT') || this.#version === 0 || slept) throw error
      if (await recordAt(this.#options.ledger, this.#key)) throw error
      this.#version = 0
      await this.#write({ holder: this.holder })
    }
  }

  async #write(value: { holder: string } | null): Promise<void> {
    const { ledger, agent, now } = this.#options
    const { versions } = await ledger.commit({
      actor: agent,
      organisation: DEFAULT_ORGANISATION,
      expect: [{ record: this.#key, version: this.#version }],
      records: [{ key: this.#key, value, expires: now() + LIFE_MS }],
    })
    this.#version = versions[0] ?? 0
    this.#held = performance.now()
  }
}
