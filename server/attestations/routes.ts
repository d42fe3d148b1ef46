import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { KaosError } from '../../api/errors.ts'
import { EVIDENCE_TYPE } from '../../api/evidence/format.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { sendBytes } from '../jobs/streams.ts'
import { findThing } from '../provenance/find.ts'
import { evidenceOf } from './evidence.ts'

const Query = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 512 }),
  content: Type.Optional(Type.Boolean()),
  first: Type.Optional(Type.Integer({ minimum: 0 })),
})

export const evidenceRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (
  app,
  { board },
) => {
  const { ledger, workspaces } = board.parts

  app.get(
    '/workspaces/:ws/evidence',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['provenance'],
        summary: 'All that is needed to check a model or endpoint without this server, as a tar',
        description:
          '`content`: with its files. `first`: with the proof that the log continues the one of so many statements.',
        params: Type.Object({ ws: Type.String() }),
        querystring: Query,
        produces: [EVIDENCE_TYPE],
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { content = false, first, id } = request.query
      const found = await findThing({ board, workspace }, id)
      const subject = await modelOf(ledger, await subjectOf(ledger, found, id), id)
      const endpoint = endpointOf(board, subject)
      reply.header('x-content-type-options', 'nosniff')
      reply.header('content-disposition', `attachment; filename="evidence-${subject.id}.tar"`)
      const asked = { subject, endpoint, content, first }
      return sendBytes(reply, EVIDENCE_TYPE, told(board, evidenceOf(board, workspace, asked)))
    },
  )
}

/** By its bytes a model is meant, also where a replay has made the same ones since. */
async function modelOf(ledger: Ledger, node: Node, typed: string): Promise<Node> {
  const { digest, organisation, workspace } = node
  if (node.kind !== 'replica' || digest === undefined || typed !== digest) return node
  const query = { organisation, kind: 'model', digest, limit: 1 }
  const [model] = await ledger.nodes({ ...query, ...(workspace !== undefined && { workspace }) })
  return model ?? node
}

function endpointOf({ endpoints }: Board, { id, kind, name = '' }: Node) {
  if (kind !== 'revision') return undefined
  return { name, live: endpoints.get(name)?.revision === id }
}

/** What goes wrong after the first bytes can only cut the answer: then the log says why. */
async function* told(
  { parts }: Board,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes
  } catch (error) {
    const { message, stack } = error as Error
    parts.log('error', `evidence could not be packed: ${message}`, { stack })
    throw error
  }
}

/** What a signed statement is about; everything else is about itself. */
async function subjectOf(ledger: Ledger, node: Node, typed: string): Promise<Node> {
  if (node.class !== 'entity') {
    const message = `${typed} is a ${node.kind}, of which there are no bytes`
    throw new KaosError('BAD_REQUEST', `${message}; name what it made: kaos train info`)
  }
  if (node.kind !== 'attestation') return node
  const relations = ['wasDerivedFrom'] as const
  const up = await ledger.lineage(node.id, { direction: 'up', depth: 1, relations })
  return up.nodes[1] ?? node
}
