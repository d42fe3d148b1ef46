/* The API's description: OpenAPI 3.1 made from the routes' own schemas, at /openapi.json. */
import type { FastifyInstance } from 'fastify'
import { versionOf } from '../../api/version.ts'

/** Before the routes. */
export async function addOpenapi(app: FastifyInstance): Promise<void> {
  const { default: swagger } = await import('@fastify/swagger')
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'kaos',
        version: versionOf(),
        description:
          'A self-hosted registry for machine learning. Errors are problem+json (RFC 9457).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A token: kaos_…' },
          basic: { type: 'http', scheme: 'basic', description: 'The token as password' },
        },
      },
      security: [{ bearer: [] }, { basic: [] }],
    },
    transform: ({ schema, url, route }) => {
      const scope = route.config?.scope
      const needs = `Needs the right "${scope}".`
      const open = scope === 'public'
      return {
        url,
        schema: {
          ...schema,
          description: [schema?.description, open ? 'Open to anybody.' : needs]
            .filter(Boolean)
            .join(' '),
          ...(open && { security: [] }),
        },
      }
    },
  })

  let text: string | undefined
  app.get(
    '/openapi.json',
    { config: { scope: 'public' }, schema: { tags: ['system'], summary: 'This description' } },
    async (_request, reply) => {
      text ??= JSON.stringify(app.swagger())
      return reply.type('application/json').serializer(String).send(text)
    },
  )
}
