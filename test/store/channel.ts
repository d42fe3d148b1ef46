import type { Digest } from '../../api/digest.ts'
import { parseFrames } from '../../api/transfer/frames.ts'
import type { Channel } from '../../api/transfer/send.ts'
import type { Store } from '../../store/store.ts'
import { streamOf } from './bytes.ts'

/** A channel that ends in a store, without a wire between; remembers what went over it. */
export interface RecordedChannel extends Channel {
  /** Every object that was sent, in order. */
  readonly sent: Digest[]
  readonly asked: Digest[]
}

export function channelTo(store: Store): RecordedChannel {
  const sent: Digest[] = []
  const asked: Digest[] = []
  return {
    sent,
    asked,
    have(digests) {
      asked.push(...digests)
      return store.has(digests)
    },
    async objects(frames) {
      sent.push(...(await store.put(parseFrames(streamOf(frames)))))
      // What the contract allows: from now on these bytes are somebody else's.
      for (const frame of frames) frame.fill(0xff)
    },
  }
}
