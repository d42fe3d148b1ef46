/* The Kitfile as the config of a ModelKit: what KitOps 1.7 writes and reads. Unknown keys are let
 * through, so that a Kitfile of a later version can still be taken. */
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { depthOf } from '../plugins/bodies.ts'
import { refused } from './refused.ts'

const DEPTH_MAX = 64

const Text = Type.Optional(Type.String())
/** Of the layer: as it is, and uncompressed. */
const Layered = { digest: Text, diffId: Text }

const ModelPart = Type.Object({ name: Text, path: Text, license: Text, type: Text, ...Layered })
const Model = Type.Object({
  name: Text,
  path: Text,
  license: Text,
  framework: Text,
  format: Text,
  version: Text,
  description: Text,
  parts: Type.Optional(Type.Array(ModelPart)),
  parameters: Type.Optional(Type.Unknown()),
  ...Layered,
})
const Code = Type.Object({ path: Text, description: Text, license: Text, ...Layered })
const Dataset = Type.Object({
  name: Text,
  path: Text,
  description: Text,
  license: Text,
  parameters: Type.Optional(Type.Unknown()),
  ...Layered,
})
const Docs = Type.Object({ path: Text, description: Text, ...Layered })
const Package = Type.Object({
  name: Text,
  version: Text,
  description: Text,
  license: Text,
  authors: Type.Optional(Type.Array(Type.String())),
})
const Kitfile = Type.Object({
  manifestVersion: Text,
  package: Type.Optional(Package),
  model: Type.Optional(Model),
  code: Type.Optional(Type.Array(Code)),
  datasets: Type.Optional(Type.Array(Dataset)),
  docs: Type.Optional(Type.Array(Docs)),
})
export type Kitfile = Static<typeof Kitfile>
export type ModelPart = Static<typeof ModelPart>
export type Dataset = Static<typeof Dataset>

const checker = Compile(Kitfile)

/** Refuses bytes that are no Kitfile. */
export function kitfileIn(bytes: Buffer): Kitfile {
  const value = jsonIn(bytes, 'the Kitfile')
  if (checker.Check(value)) return value
  const [error] = checker.Errors(value)
  const where = error?.instancePath.replaceAll('/', '.').slice(1) || 'its top'
  throw refused(`the Kitfile is not valid at ${where}: it ${error?.message ?? 'cannot be read'}`)
}

export function jsonIn(bytes: Buffer, what: string): unknown {
  const text = bytes.toString('utf8')
  if (depthOf(text) > DEPTH_MAX) throw refused(`${what} is nested deeper than ${DEPTH_MAX} levels`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refused(`${what} is not JSON`, cause)
  }
}

export const KIT_CONFIG = 'application/vnd.kitops.modelkit.config.v1+json'
export type KitKind = 'model' | 'modelpart' | 'dataset' | 'code' | 'docs'

export function kitLayer(kind: KitKind): string {
  return `application/vnd.kitops.modelkit.${kind}.v1.tar`
}
