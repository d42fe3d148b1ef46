import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import type { Document } from './provenance.ts'

export const Format = Type.Object({
  format: Type.Optional(
    Type.Union([
      Type.Literal('pdf'),
      Type.Literal('svg'),
      Type.Literal('png'),
      Type.Literal('dot'),
      Type.Literal('json'),
    ]),
  ),
})

/** A document to keep under this name. Never shown as a page: SVG could run scripts. */
export function sendDocument(
  reply: FastifyReply,
  { type, body }: Document,
  name: string,
): FastifyReply {
  reply.type(type)
  reply.header('content-disposition', `attachment; filename="${name}"`)
  reply.header('x-content-type-options', 'nosniff')
  // A text goes out as it is.
  return reply.serializer((text: unknown) => text as string).send(body)
}
