/* Purges whose bytes are still to be taken away, as records, so that a restart does not leave them:
 *
 *   purging/<entity>   {content} */
import { type Digest, isDigest } from '../../api/digest.ts'
import type { RecordWrite } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'

export interface Purged {
  readonly entity: string
  /** What it consists of: a folder or a file. */
  readonly content: Digest
}

const PREFIX = 'purging/'

/** To be written with the purge. */
export function purgeBegun({ entity, content }: Purged): RecordWrite {
  return { key: PREFIX + entity, value: { content } }
}

export async function purgeDone({ ledger, people }: Parts, entity: string): Promise<void> {
  const { id: actor, organisation } = people.system
  const records = [{ key: PREFIX + entity, value: null }]
  await ledger.commit({ actor, organisation, records })
}

export async function pendingPurges({ ledger }: Pick<Parts, 'ledger'>): Promise<Purged[]> {
  const pending: Purged[] = []
  for await (const { key, value } of recordsBelow(ledger, PREFIX)) {
    const { content } = value as { content?: unknown }
    if (isDigest(content)) pending.push({ entity: key.slice(PREFIX.length), content })
  }
  return pending
}
