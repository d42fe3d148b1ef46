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
/** Trees that are remembered as broken. */
const BROKEN_MAX = 256

export const contentRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces, store } = options
  const broken = new Map<Digest, Digest>()

  /** What fails after the first bytes can only cut the answer; who asks again is told why. */
  async function requireUnbroken({ tree, what }: Content): Promise<void> {
    const lost = broken.get(tree)
    if (lost === undefined) return
    if (!(await store.has([lost])).includes(true)) throw damaged(what, { digest: lost })
    broken.delete(tree)
  }

  function remember(tree: Digest, cause: unknown): void {
    if (!isLost(cause)) return
    broken.set(tree, cause.detail.digest as Digest)
    const oldest = broken.keys().next().value
    if (broken.size > BROKEN_MAX && oldest !== undefined) broken.delete(oldest)
  }

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
      const content = await contentOf(options.ledger, workspace.id, entity)
      const { tree } = content
      await requireUnbroken(content)
      const frames = await begun(treeFrames(store, tree), content, remember)
      return reply.type(FRAMES_TYPE).header('etag', `"${tree}"`).send(frames)
    },
  )
}

interface Content {
  readonly tree: Digest
  /** What a person knows it by. */
  readonly what: string
}

async function contentOf(ledger: Ledger, workspace: string, entity: string): Promise<Content> {
  const node = await ledger.node(entity)
  if (node?.workspace === workspace && node.class === 'entity' && node.digest) {
    return { tree: node.digest, what: `${node.kind} ${node.name ?? entity}` }
  }
  throw new KaosError('NOT_FOUND', `there is nothing to fetch under ${entity} in this workspace`)
}

/** The stream, once its first bytes are there: what fails before can still be told as an error. */
async function begun(
  frames: AsyncIterable<Uint8Array>,
  { tree, what }: Content,
  broke: (tree: Digest, cause: unknown) => void,
): Promise<Readable> {
  const all = frames[Symbol.asyncIterator]()
  const first = await all.next().catch(cause => {
    throw isLost(cause) ? damaged(what, cause.detail, cause) : cause
  })
  async function* whole() {
    if (!first.done) yield first.value
    try {
      yield* { [Symbol.asyncIterator]: () => all }
    } catch (error) {
      broke(tree, error)
      throw error
    }
  }
  return Readable.from(whole(), { objectMode: false })
}

/** The ledger says that it is here, so it is not the client's mistake. */
function isLost(error: unknown): error is KaosError {
  return isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')
}

function damaged(what: string, detail: KaosError['detail'], cause?: unknown): KaosError {
  const text = `stored bytes of the ${what} are damaged or lost; deploy its folder again to heal it`
  return new KaosError('OBJECT_DAMAGED', text, { detail, cause })
}
