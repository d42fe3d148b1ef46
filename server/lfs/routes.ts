/* The Git LFS server `/lfs/<workspace>[/<repository>]`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Scope } from '../../api/actor.ts'
import { openAsked } from '../remotes/asked.ts'
import type { Remote } from '../remotes/objects.ts'
import { takeRawBodies } from '../remotes/plugin.ts'
import type { Rooms } from '../rooms.ts'
import { type Answers, told } from './call.ts'
import { addLfsErrors } from './errors.ts'
import { openLfs } from './lfs.ts'
import { lockAnswers } from './lock-answers.ts'
import { openLocks } from './locks.ts'
import { objectAnswers } from './object-answers.ts'
import { type Endpoint, locationOf } from './paths.ts'

export async function lfsRoutes(app: FastifyInstance, parts: Rooms): Promise<void> {
  const { store, settings, workspaces, people, now } = parts
  const lfs = openLfs(parts)
  const asked = openAsked(parts)
  const objects = objectAnswers(lfs, store, settings)
  const locks = lockAnswers(openLocks(parts), people)
  app.addHook('onReady', async () => lfs.start())
  app.addHook('onClose', async () => lfs.close())
  takeRawBodies(app)
  addLfsErrors(app, now)

  function serve(method: string[], scope: Scope, answers: Answers): void {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const location = locationOf(request.raw.url ?? '')
      const { repository, endpoint } = location
      const { id, organisation } = await workspaces.find(request.actor, location.workspace)
      const remote: Remote = { kind: 'lfs', workspace: id, organisation, repository }
      await asked.note(remote)
      const answer = answers[endpoint.kind]
      if (answer) return answer({ remote, location, request, reply }, partOf(endpoint))
      return told(reply, 405, { message: 'this is not done with this method here' })
    }
    const config = { scope, stream: true }
    app.route({ method, url: '/lfs/*', config, schema: { hide: true }, handler })
  }

  serve(['GET', 'HEAD'], 'read', { ...objects.get, ...locks.get })
  serve(['PUT'], 'write', objects.put)
  // Downloading and looking at locks change nothing; the others ask for the right to write.
  serve(['POST'], 'read', { ...objects.post, ...locks.post })
}

function partOf(endpoint: Endpoint): string {
  if ('oid' in endpoint) return endpoint.oid
  return 'id' in endpoint ? endpoint.id : ''
}
