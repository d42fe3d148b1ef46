import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { FRAMES_TYPE, TREE_HEADER } from '../../api/transfer/protocol.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { selectTree, treeFrames } from '../../store/trees.ts'
import { isKept } from '../care/kept.ts'
import { requireUnpurged } from '../care/purged.ts'
import type { People, Workspaces } from '../parts.ts'
import { pathMatcher } from './globs.ts'

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly workspaces: Workspaces
  readonly people: People
}

const tags = ['transfer']
const Paths = Type.Union([Type.String(), Type.Array(Type.String())])
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
        summary: 'The folder that an entity is, as frames; with `path` only the files that fit',
        description: `In a path, * and ? stand for parts of a name, ** for folders. ${TREE_HEADER} names the tree that comes. With \`unchecked\` chunks are not compared with their digests first: for whoever does so, and asks again without it when one is another.`,
        produces: [FRAMES_TYPE],
        params: Type.Object({ ws: Type.String(), entity: Type.String() }),
        querystring: Type.Object({
          path: Type.Optional(Paths),
          unchecked: Type.Optional(Type.Boolean()),
        }),
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { entity } = request.params
      const whole = await contentOf(options, workspace.id, entity)
      await requireUnbroken(whole)
      const { path = [], unchecked = false } = request.query
      const content = await selected(store, whole, [path].flat())
      const { tree } = content
      const frames = await begun(treeFrames(store, tree, { unchecked }), content, remember)
      reply.type(FRAMES_TYPE).header(TREE_HEADER, tree).header('etag', `"${tree}"`)
      return reply.send(frames)
    },
  )
}

interface Content {
  readonly tree: Digest
  /** What a person knows it by. */
  readonly what: string
}

async function contentOf(options: Options, workspace: string, entity: string): Promise<Content> {
  const node = await options.ledger.node(entity)
  if (node?.workspace === workspace && node.class === 'entity' && node.digest) {
    await requireUnpurged(options, node)
    await requireKept(options, node)
    return { tree: node.digest, what: `${node.kind} ${node.name ?? entity}` }
  }
  throw new KaosError('NOT_FOUND', `there is nothing to fetch under ${entity} in this workspace`)
}

/** NOT_FOUND when the content went with a version that was removed: nothing of it is damaged. */
async function requireKept({ ledger, store }: Options, node: Node): Promise<void> {
  const [here] = await store.has([node.digest!])
  if (here || (await isKept(ledger, node))) return
  const what = `${node.kind} ${node.name ?? node.id}`
  const message = `the content of ${what} is no longer kept: its version was removed; push it again`
  throw new KaosError('NOT_FOUND', message)
}

/** Only the files that fit one of the patterns; all without any. */
async function selected(
  store: Store,
  { tree, what }: Content,
  patterns: readonly string[],
): Promise<Content> {
  if (patterns.length === 0) return { tree, what }
  const part = await selectTree(store, tree, pathMatcher(patterns)).catch(cause => {
    throw isLost(cause) ? damaged(what, cause.detail, cause) : cause
  })
  if (part !== undefined) return { tree: part, what }
  const shown = patterns.slice(0, 3).join(', ')
  throw new KaosError('NOT_FOUND', `no file of the ${what} fits ${shown}`)
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
