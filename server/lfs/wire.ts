/* What git-lfs says and hears (git-lfs: docs/api), read with care: it comes from strangers. */
import Type, { type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { KaosError } from '../../api/errors.ts'
import { depthOf, JSON_MAX } from '../plugins/bodies.ts'
import { bounded } from '../transfer/bodies.ts'

const Ref = Type.Object({ name: Type.String() })
const Optional = Type.Optional

export const BatchRequest = Type.Object({
  operation: Type.Union([Type.Literal('upload'), Type.Literal('download')]),
  transfers: Optional(Type.Array(Type.String())),
  ref: Optional(Ref),
  objects: Type.Array(Type.Object({ oid: Type.String(), size: Type.Number() }), {
    maxItems: 10_000,
  }),
  hash_algo: Optional(Type.String()),
})
export type BatchRequest = Static<typeof BatchRequest>

export const VerifyRequest = Type.Object({ oid: Type.String(), size: Type.Number() })
export const LockRequest = Type.Object({ path: Type.String(), ref: Optional(Ref) })
export const VerifyLocksRequest = Type.Object({
  cursor: Optional(Type.String()),
  limit: Optional(Type.Integer()),
})
export const UnlockRequest = Type.Object({ force: Optional(Type.Boolean()) })

/** The JSON of a body, whatever type it says it has. BAD_REQUEST says what is wrong with it. */
export function reading<T extends TSchema>(schema: T) {
  const compiled = Compile(schema)
  return async (body: AsyncIterable<Uint8Array>): Promise<Static<T>> => {
    const bytes = Buffer.concat(await Array.fromAsync(bounded(body, JSON_MAX)))
    const value = jsonIn(bytes.toString('utf8'))
    if (compiled.Check(value)) return value
    const [error] = compiled.Errors(value)
    const where = (error?.instancePath ?? '').replaceAll('/', '.')
    throw bad(`body${where} ${error?.message ?? 'is not valid'}`)
  }
}

function jsonIn(text: string): unknown {
  if (depthOf(text) > 64) throw bad('the JSON is nested too deeply')
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    throw bad('the body is no JSON')
  }
}

function bad(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}
