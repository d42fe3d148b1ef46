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
  /** CONFLICT when it was lost. Call it before what must not be done by two. */
  require(): Promise<void>
  release(): Promise<void>
}

interface Options {
  readonly ledger: Ledger
  readonly agent: string
  readonly now: () => number
}

/** CONFLICT when somebody else holds it. */
export async function takeLease(key: string, { ledger, agent, now }: Options): Promise<Lease> {
  const holder = newId()
  let version = 0

  async function write(value: { holder: string } | null): Promise<void> {
    const { versions } = await ledger.commit({
      actor: agent,
      organisation: DEFAULT_ORGANISATION,
      expect: [{ record: key, version }],
      records: [{ key, value, expires: now() + LIFE_MS }],
    })
    version = versions[0] ?? 0
  }

  try {
    await write({ holder })
  } catch (error) {
    if (!isKaosError(error, 'CONFLICT')) throw error
    const [what, command] = key === COLLECTING ? ['collection', 'gc'] : ['check', 'fsck']
    const message = `a ${what} is running already; see it with: kaos admin ${command} --status`
    throw new KaosError('CONFLICT', message, { cause: error })
  }
  let renewing: Promise<void> = Promise.resolve()
  const renew = (): Promise<void> => {
    renewing = renewing.catch(() => undefined).then(() => write({ holder }))
    return renewing
  }
  // Should it be lost, `require` tells.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEWED_EVERY_MS)
  timer.unref()

  return {
    require: renew,
    async release() {
      clearInterval(timer)
      await renewing.catch(() => undefined)
      const held = (await recordAt(ledger, key))?.value as { holder?: string } | undefined
      if (held?.holder === holder) await write(null).catch(() => undefined)
    },
  }
}
