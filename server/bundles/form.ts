/* A bundle as a form (multipart/form-data), for browsers and curl: the fields `kind` and `folder`,
 * then any number of files, each with its path inside the bundle's folder as its file name. Meant
 * for small bundles; the CLI sends only what the server lacks.
 *
 * Parts are cut into frames as they come and take the same way as those of the CLI, so nothing is
 * held whole and no rule is written twice. A form carries no file modes: a file that begins with #!
 * is executable. */
import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { BUNDLE_KINDS, type BundleKind } from '../../api/bundle.ts'
import { type Digest, digestOf } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { chunks } from '../../api/transfer/chunker.ts'
import { FileList } from '../../api/transfer/list.ts'
import { frameHeader } from '../../api/transfer/protocol.ts'
import { type Entry, encodeTree, isEntryName, sizeOf } from '../../api/tree.ts'
import { BundleView, Problem } from '../../api/wire.ts'
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
  'settings' | 'ledger' | 'store' | 'people' | 'workspaces' | 'transfer' | 'space'
> & { readonly uploads: Uploads }

/** A folder in the making. */
type Folder = Map<string, Folder | Entry>

export const bundleFormRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces, uploads, transfer, space } = options
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
      const root: Folder = new Map()
      for await (const part of request.parts()) {
        if (part.type === 'field') fields.set(part.fieldname, String(part.value))
        else place(root, part.filename, await receiveFile(transfer, session, part))
      }
      const { kind, folder } = orderIn(fields)
      const tree = await receiveFolder(transfer, session, root)
      const bundle = await bundles.add(request.actor, workspace, { session, kind, folder, tree })
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

type Content = Omit<Entry, 'name'>

async function receiveFile(
  transfer: Transfer,
  session: string,
  part: MultipartFile,
): Promise<Content> {
  const list = new FileList()
  let start: Buffer | undefined
  async function* frames(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks(part.file)) {
      start ??= Buffer.from(chunk.subarray(0, 2))
      list.add(digestOf(chunk), chunk.length)
      yield frameHeader(chunk.length)
      yield chunk
    }
    if (part.file.truncated) {
      const most = `${FILE_MAX / 1024 / 1024} MiB`
      throw new KaosError('TOO_LARGE', `${part.filename} has over ${most}; send it with the CLI`)
    }
    const encoded = list.encoded()
    yield frameHeader(encoded.length)
    yield encoded
  }
  await transfer.receive(session, frames())
  const kind = start?.toString('latin1') === '#!' ? 'executable' : 'file'
  return { kind, size: list.size, digest: digestOf(list.encoded()) }
}

/** Puts the file at its path, making the folders on the way. */
function place(root: Folder, path: string, content: Content): void {
  const names = path.split('/')
  const name = names.pop() ?? ''
  if (names.length > DEPTH_MAX || ![...names, name].every(isEntryName)) {
    throw bad(`the file name ${JSON.stringify(path)} is no path inside a folder`)
  }
  let folder = root
  for (const one of names) {
    const there = folder.get(one) ?? new Map()
    if (!(there instanceof Map)) throw bad(`${JSON.stringify(path)} lies below a file of the form`)
    folder.set(one, there)
    folder = there
  }
  if (folder.has(name)) throw bad(`${JSON.stringify(path)} is in the form twice`)
  folder.set(name, { name, ...content })
}

async function receiveFolder(transfer: Transfer, session: string, root: Folder): Promise<Digest> {
  const frames: Buffer[] = []
  const { digest } = encoded(root, frames)
  await transfer.receive(
    session,
    (async function* () {
      yield* frames
    })(),
  )
  return digest
}

/** Children before their folder. */
function encoded(folder: Folder, frames: Buffer[]): Omit<Content, 'kind'> {
  const entries = [...folder].map(([name, one]): Entry => {
    return one instanceof Map ? { name, kind: 'folder', ...encoded(one, frames) } : one
  })
  const bytes = encodeTree(entries)
  frames.push(frameHeader(bytes.length), bytes)
  return { digest: digestOf(bytes), size: sizeOf(entries) }
}

function bad(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}
