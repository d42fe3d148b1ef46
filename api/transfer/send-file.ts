import { realpath } from 'node:fs/promises'
import type { Digest } from '../digest.ts'
import { FileSender } from './file-sender.ts'
import { type Channel, Outbox } from './outbox.ts'
import { fileStats, settled } from './seen.ts'
import type { SendOptions } from './send.ts'
import { unreadable } from './walk.ts'

/** Sends one file outside any tree, a log for instance; answers the digest of its chunk list. */
export async function sendFile(
  path: string,
  channel: Channel,
  options: Pick<SendOptions, 'outbox' | 'signal'> = {},
): Promise<{ digest: Digest; size: number }> {
  const source = await realpath(path).catch(error => {
    throw unreadable(path, error)
  })
  const outbox = options.outbox ?? new Outbox(channel)
  const have: Channel['have'] = digests => channel.have(digests)
  const files = new FileSender({ outbox, have, read: () => {}, signal: options.signal })
  try {
    const sent = await settled(path, () => files.send(path, source, fileStats(path, source)))
    if (options.outbox === undefined) await outbox.flush()
    return { digest: sent.digest, size: sent.size }
  } finally {
    files.close()
  }
}
