import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Digest } from '../../api/digest.ts'
import { BundleRequest, BundleView, Problem } from '../../api/wire.ts'
import type { Rooms } from '../rooms.ts'
import type { Uploads } from '../transfer/uploads.ts'
import { openBundles } from './bundles.ts'

type Options = Pick<
  Rooms,
  'settings' | 'ledger' | 'store' | 'people' | 'workspaces' | 'transfer' | 'space' | 'intake'
> & { readonly uploads: Uploads }

export const bundleRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces, uploads } = options
  const bundles = openBundles(options)

  app.post(
    '/workspaces/:ws/bundles',
    {
      config: { scope: 'write' },
      schema: {
        tags: ['bundles'],
        summary: 'Keep a folder that was sent as a bundle; the same folder again is unchanged',
        params: Type.Object({ ws: Type.String() }),
        body: BundleRequest,
        response: { 200: BundleView, 201: BundleView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { kind, folder, tree, upload } = request.body
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const session = await uploads.use(request.actor, workspace, upload)
      const order = { session, kind, folder, tree: tree as Digest }
      const bundle = await bundles.add(request.actor, workspace, order)
      return reply.code(bundle.unchanged ? 200 : 201).send(bundle)
    },
  )
}
