/* What is quarantined: a pointer for each digest, which stands at the entity that was named (or at the
 * digest itself, when nothing here has it). Who said so, when and why is the statement that moved it.
 *
 *   quarantine/<organisation>/<64 hex digits>   entity, or the digest
 *   quarantines/<organisation>                  how often it was changed, a word
 *
 * A commit that must not use what is quarantined expects the second to stand where it stood when it
 * was looked at, so that nothing slips between. */
import { type Digest, hexOf } from '../../api/digest.ts'
import type { Expectation, Ledger, Move, Pointer } from '../../graph/ledger.ts'
import { statementAt } from '../catalogue/statements.ts'
import { pointerAt } from '../ledger-reads.ts'

export interface Mark {
  readonly digest: Digest
  /** The entity that was named; undefined when a bare digest was. */
  readonly entity: string | undefined
  /** Number and time of the statement that set it. */
  readonly seq: number
  readonly at: string
}

export type Marks = ReadonlyMap<string, Mark>

/** What was said of a mark. */
export interface Said {
  readonly reason: string
  /** Agent; undefined when that was erased by law. */
  readonly by: string | undefined
  /** All that the statement marked. */
  readonly digests: readonly Digest[]
}

const PAGE = 1000

export function markPointer(organisation: string, digest: Digest): string {
  return `quarantine/${organisation}/${hexOf(digest)}`
}

/** All of an organisation, by digest. */
export async function marksOf(ledger: Ledger, organisation: string): Promise<Marks> {
  const prefix = `quarantine/${organisation}/`
  const marks = new Map<string, Mark>()
  for (let after: string | undefined; ; ) {
    const page = await ledger.pointers(prefix, { limit: PAGE, ...(after && { after }) })
    for (const pointer of page) {
      const mark = markAt(prefix, pointer)
      marks.set(mark.digest, mark)
    }
    if (page.length < PAGE) return marks
    after = page.at(-1)?.name
  }
}

function markAt(prefix: string, { name, target, seq, at }: Pointer): Mark {
  const digest: Digest = `sha256:${name.slice(prefix.length)}`
  return { digest, entity: target === digest ? undefined : target, seq, at }
}

export async function saidOf(ledger: Ledger, mark: Mark): Promise<Said> {
  const statement = await statementAt(ledger, mark.seq)
  const { reason = 'the reason was erased', digests = [mark.digest] } = statement?.detail ?? {}
  return {
    reason: String(reason),
    by: statement?.actor,
    digests: digests as readonly Digest[],
  }
}

export interface Standing {
  /** That nothing was put into quarantine or taken out since. */
  readonly expect: Expectation
  /** Says that something is. */
  readonly move: Move
}

/** Where the count of changes stands. To be read before the marks. */
export async function standingOf(ledger: Ledger, organisation: string): Promise<Standing> {
  const pointer = `quarantines/${organisation}`
  const target = (await pointerAt(ledger, pointer))?.target ?? null
  return {
    expect: { pointer, target },
    move: { pointer, target: String(Number(target ?? 0) + 1) },
  }
}
