import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { treeFrames } from '../../store/trees.ts'
import type { Workspaces } from '../parts.ts'

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly workspaces: Workspaces
}

const tags = ['transfer']

export const contentRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces } = options

  app.get(
    '/workspaces/:ws/entities/:entity/content',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The folder that an entity is, as frames',
        produces: [FRAMES_TYPE],
        params: Type.Object({ ws: Type.String(), entity: Type.String() }),
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { entity } = request.params
      const tree = await contentOf(options.ledger, workspace.id, entity)
      const frames = await begun(treeFrames(options.store, tree))
      return reply.type(FRAMES_TYPE).header('etag', `"${tree}"`).send(frames)
    },
  )
}

async function contentOf(ledger: Ledger, workspace: string, entity: string): Promise<Digest> {
  const node = await ledger.node(entity)
  if (node?.workspace === workspace && node.class === 'entity' && node.digest) return node.digest
  throw new KaosError('NOT_FOUND', `there is nothing to fetch under ${entity} in this workspace`)
}

/** The stream, once its first bytes are there: what fails before can still be told as an error. */
async function begun(frames: AsyncIterable<Uint8Array>): Promise<Readable> {
  const all = frames[Symbol.asyncIterator]()
  const first = await all.next().catch(cause => {
    // The ledger says that it is here, so it is not the client's mistake.
    if (!isKaosError(cause, 'OBJECT_UNKNOWN')) throw cause
    throw new KaosError('OBJECT_DAMAGED', 'some of the stored bytes are lost', { cause })
  })
  async function* whole() {
    if (!first.done) yield first.value
    yield* { [Symbol.asyncIterator]: () => all }
  }
  return Readable.from(whole(), { objectMode: false })
}
