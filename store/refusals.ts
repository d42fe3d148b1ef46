/* What a store says when it cannot do what was asked, the same words for every back end. */
import type { Digest } from '../api/digest.ts'
import { isDiskFull, KaosError } from '../api/errors.ts'
import { OBJECT_MAX } from '../api/tree.ts'

export function unknown(digest: Digest): KaosError {
  const message = `the store does not hold ${digest}; push it again`
  return new KaosError('OBJECT_UNKNOWN', message, { detail: { digest } })
}

export function damaged(digest: Digest, reason: string, cause?: unknown): KaosError {
  const message = `${digest} is damaged in the store (${reason}); push it again to heal it`
  return new KaosError('OBJECT_DAMAGED', message, { detail: { digest }, cause })
}

export function tooLarge(length: number): KaosError {
  const message = `an object may have ${OBJECT_MAX} bytes, not ${length}`
  return new KaosError('TOO_LARGE', message, { detail: { length, limit: OBJECT_MAX } })
}

export function removedMeanwhile(digest: Digest): KaosError {
  const message = `${digest} was removed while it was being stored; send it again`
  return new KaosError('CONFLICT', message, { detail: { digest } })
}

export function released(): KaosError {
  const message = 'what was condemned has been released by a later collection; begin anew'
  return new KaosError('CONFLICT', message)
}

export function tooSlow(): KaosError {
  return new KaosError('CONFLICT', 'it took too long to bring these objects; send them again')
}

export function closed(): KaosError {
  return new KaosError('UNAVAILABLE', 'the store is closed; the server is stopping')
}

/** Names a full disk; leaves every other error as it is. */
export function refusal(error: unknown): unknown {
  if (!isDiskFull(error) && !isFullDatabase(error)) return error
  const message = 'the disk of the store is full; remove something or give it more room'
  return new KaosError('STORAGE_FULL', message, { cause: error })
}

function isFullDatabase(error: unknown): boolean {
  return error instanceof Error && (error as { errcode?: unknown }).errcode === 13
}
