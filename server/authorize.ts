/** The one function that decides who may do what. Everything that asks for a right asks here. */
import { KaosError } from '../api/errors.ts'
import type { Authorize } from './parts.ts'

/** One text for every reason, so that a guess learns nothing from it. */
export const UNAUTHORIZED =
  'a valid token is needed; get one from your administrator, then run: kaos init -e URL -t TOKEN'

export const authorize: Authorize = (actor, action, target) => {
  if (action === 'public') return
  if (actor.kind === 'anonymous') throw new KaosError('AUTHORIZATION_FAILURE', UNAUTHORIZED)
  if (target.organisation !== undefined && target.organisation !== actor.organisation) {
    // What belongs to an organisation you are not in does not exist for you.
    throw new KaosError('NOT_FOUND', 'there is no such thing here')
  }
  // A node that fetches the image of an attempt.
  const isPull = action === 'read' && target.repository !== undefined
  if (isPull && target.repository === actor.pulls) return
  if (!actor.scopes.includes(action)) {
    throw new KaosError(
      'NOT_PERMITTED',
      `${actor.name} may not do this: it needs the right "${action}"; ask an administrator`,
      { detail: { needed: action } },
    )
  }
  if (action === 'attempt' && target.attempt !== undefined && actor.attempt !== target.attempt) {
    throw new KaosError('NOT_PERMITTED', 'this token belongs to another attempt')
  }
}
