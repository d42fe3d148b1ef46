/* A bundle as a form (multipart/form-data), for browsers and curl: the fields `kind` and `folder`,
 * then any number of files, each with its path inside the bundle's folder as its file name. Meant
 * for small bundles; the CLI sends only what the server lacks.
 *
 * Parts are cut as they come and take the same way as what the CLI sends, so nothing large is held
 * whole and no rule is written twice. A form carries no file modes: a file that begins with #! is
 * executable. */
import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { BUNDLE_KINDS, type BundleKind } from '../../api/bundle.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { frameHeader } from '../../api/transfer/protocol.ts'
import { BundleView, Problem } from '../../api/wire.ts'
import type { Store } from '../../store/store.ts'
import { type Item, type Making, putFolder } from '../../store/trees.ts'
import type { Transfer } from '../parts.ts'
import type { Rooms } from '../rooms.ts'
import type { Uploads } from '../transfer/uploads.ts'
import { openBundles } from './bundles.ts'

const FILES_MAX = 1000
const FILE_MAX = 256 * 1024 * 1024
const FIELD_MAX = 1024
const DEPTH_MAX = 32

type Options = Pick<
  Rooms,
  'settings' | 'ledger' | 'store' | 'people' | 'workspaces' | 'transfer' | 'space' | 'intake'
> & { readonly uploads: Uploads }

export const bundleFormRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces, uploads, transfer, space, store } = options
  const bundles = openBundles(options)
  await app.register(multipart, {
    preservePath: true,
    limits: { files: FILES_MAX, fileSize: FILE_MAX, fields: 2, fieldSize: FIELD_MAX },
  })

  app.post(
    '/workspaces/:ws/bundles/form',
    {
      config: { scope: 'write', stream: true },
      schema: {
        tags: ['bundles'],
        summary: 'Keep the files of a form as a bundle: fields kind and folder, then files by path',
        consumes: ['multipart/form-data'],
        params: Type.Object({ ws: Type.String() }),
        response: { 200: BundleView, 201: BundleView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      if (!request.isMultipart()) throw bad('send the bundle as multipart/form-data')
      await space.require()
      const { upload } = await uploads.open(request.actor, workspace)
      const session = await uploads.use(request.actor, workspace, upload)
      const fields = new Map<string, string>()
      async function* files(): AsyncGenerator<Item> {
        for await (const part of request.parts()) {
          if (part.type === 'field') fields.set(part.fieldname, String(part.value))
          else yield await itemOf(part)
        }
      }
      const tree = await putFolder(noted(store, transfer, session), files()).catch(misplaced)
      const order = { session, ...orderIn(fields), tree: tree.digest }
      const bundle = await bundles.add(request.actor, workspace, order)
      return reply.code(bundle.unchanged ? 200 : 201).send(bundle)
    },
  )
}

function orderIn(fields: Map<string, string>): { kind: BundleKind; folder: string } {
  const kind = BUNDLE_KINDS.find(one => one === fields.get('kind'))
  const folder = fields.get('folder')
  if (kind === undefined) throw bad(`the field kind must be one of ${BUNDLE_KINDS.join(', ')}`)
  if (!folder) throw bad('the field folder must name the bundle, for example features')
  return { kind, folder }
}

/** The store as it is written to under a session. */
function noted(store: Store, transfer: Transfer, session: string): Making {
  async function* frames(objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    for await (const object of objects) {
      yield frameHeader(object.length)
      yield object
    }
  }
  return {
    get: digest => store.get(digest),
    put: objects => transfer.receive(session, frames(objects)),
  }
}

async function itemOf(part: MultipartFile): Promise<Item> {
  const { filename, file } = part
  if (filename.split('/').length > DEPTH_MAX) throw noPath(filename)
  const pieces = file.iterator() as AsyncIterator<Buffer>
  let start = Buffer.alloc(0)
  let ended = false
  while (start.length < 2 && !ended) {
    const { value, done = false } = await pieces.next()
    if (!done) start = Buffer.concat([start, value])
    ended = done
  }
  async function* content(): AsyncGenerator<Uint8Array> {
    yield start
    if (!ended) yield* { [Symbol.asyncIterator]: () => pieces }
    if (!file.truncated) return
    const most = `${FILE_MAX / 1024 / 1024} MiB`
    throw new KaosError('TOO_LARGE', `${filename} has over ${most}; send it with the CLI`)
  }
  const executable = start.toString('latin1', 0, 2) === '#!'
  return { path: filename, executable, content: content() }
}

/** What a form can be wrong about is a mistake of the request. */
function misplaced(error: unknown): never {
  if (!isKaosError(error, 'INVALID_NAME')) throw error
  throw new KaosError('BAD_REQUEST', error.message, { cause: error })
}

function noPath(path: string): KaosError {
  return bad(`the file name ${JSON.stringify(path)} is no path inside a folder`)
}

function bad(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}
