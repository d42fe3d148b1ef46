import { KaosError } from '../../api/errors.ts'

/** A ModelKit that cannot be taken: what is wrong with it, and what to do. */
export function refused(why: string, cause?: unknown): KaosError {
  return new KaosError('INVALID_KIT', `the ModelKit is refused: ${why}`, { cause })
}
