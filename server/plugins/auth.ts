/* Every route says who may call it; a route that does not stops the server from starting. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Actor, SCOPES } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { authorize } from '../authorize.ts'
import { ANONYMOUS, type Door, watchOver } from '../people/door.ts'
import type { Pressure } from './pressure.ts'

/** What a call to the registry would read. */
function pullOf({ method, url }: FastifyRequest): { repository?: string } {
  if ((method !== 'GET' && method !== 'HEAD') || !url.startsWith('/v2/')) return {}
  const [, repository] = /^\/v2\/([^?%]+)\/(?:manifests|blobs)\/[^/?]+$/.exec(url) ?? []
  return repository === undefined ? {} : { repository }
}

/** Routes added from now on need a scope, and calls to them a caller who has it. */
export function addAuth(app: FastifyInstance, door: Door, pressure: Pressure): void {
  app.decorateRequest('actor', null as unknown as Actor)

  app.addHook('onRoute', route => {
    const scope = route.config?.scope
    if (scope === undefined || !SCOPES.includes(scope)) {
      const what = `${String(route.method)} ${route.url}`
      throw new KaosError('CONFIGURATION', `the route ${what} does not say who may call it`)
    }
  })

  app.addHook('onRequest', async (request, reply) => {
    request.actor = ANONYMOUS
    const { method, headers } = request
    const caller = { method, headers, remoteAddress: request.socket.remoteAddress }
    request.actor = await door.enter(caller).catch(error => {
      // Whoever guesses is slowed down, and nobody else from there who has a token.
      pressure.pace(request, '', 'logins')
      throw error
    })
    if (request.actor.kind !== 'worker' && request.actor.kind !== 'system') {
      pressure.pace(request, request.actor.id, 'rate')
    }
    const { scope } = request.routeOptions.config
    // Only the answer "there is no such route" has none: a stranger does not even learn that.
    if (scope === undefined) {
      if (request.actor.kind === 'anonymous') authorize(request.actor, 'read', {})
      return
    }
    const { attempt } = (request.params ?? {}) as { attempt?: string }
    const target = { ...(attempt !== undefined && { attempt }), ...pullOf(request) }
    authorize(request.actor, scope, target)
    if (scope === 'public' || headers.authorization === undefined) return
    watchOver(reply.raw, async () => authorize(await door.enter(caller), scope, target))
  })
}
