/* Schemas as TypeBox checks them, compiled when first needed: a server with fifty routes is ready
 * before the first call asks for one of them. Bodies are taken as they are; what comes in the
 * address is text and is converted. */
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  let compiled: ReturnType<typeof Compile> | undefined
  return input => {
    compiled ??= Compile(schema)
    const value = httpPart === 'body' ? input : Value.Convert(schema, input)
    if (compiled.Check(value)) return { value }
    return { error: compiled.Errors(value) as never }
  }
}

export function addValidation(app: FastifyInstance): void {
  app.setValidatorCompiler(compileValidator)
  // Handlers answer what their schema's type says; the schema then only describes.
  app.setSerializerCompiler(() => value => JSON.stringify(value))
}
