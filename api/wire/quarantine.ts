import Type, { type Static } from 'typebox'
import { At, Nullable, Optional } from './common.ts'

/** POST /workspaces/:ws/quarantine -> 201; POST …/quarantine/lift */
export const QuarantineRequest = Type.Object(
  {
    /** Any name that a person has of it, or a digest that is not here (yet). */
    id: Type.String({ minLength: 1, maxLength: 512 }),
    reason: Type.String({ minLength: 1, maxLength: 2000 }),
    /** Stop what runs from it as well. */
    drain: Optional(Type.Boolean()),
  },
  { title: 'QuarantineRequest' },
)
export type QuarantineRequest = Static<typeof QuarantineRequest>
export const LiftRequest = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 512 }),
    reason: Type.String({ minLength: 1, maxLength: 2000 }),
  },
  { title: 'LiftRequest' },
)

export const QuarantineRow = Type.Object(
  {
    /** `features@v2`, or a digest that nothing here has. */
    name: Type.String(),
    kind: Nullable(Type.String()),
    entity: Nullable(Type.String()),
    /** Its own content, and that of its parts. */
    digests: Type.Array(Type.String()),
    reason: Type.String(),
    author: Type.String(),
    at: At,
  },
  { title: 'Quarantined' },
)
export type QuarantineRow = Static<typeof QuarantineRow>

/** Work that goes on with what is quarantined. */
export const Ongoing = Type.Object(
  {
    workspace: Type.String(),
    /** Name of the endpoint, id of the job. */
    name: Type.String(),
    kind: Type.Union([Type.Literal('endpoint'), Type.Literal('job')]),
    stopped: Type.Boolean(),
  },
  { title: 'Ongoing' },
)
export type Ongoing = Static<typeof Ongoing>
export const QuarantineView = Type.Object(
  { quarantine: QuarantineRow, affected: Type.Array(Ongoing) },
  { title: 'Quarantine' },
)
export type QuarantineView = Static<typeof QuarantineView>
/** GET /workspaces/:ws/quarantine: of the whole organisation, newest first. */
export const QuarantineList = Type.Object(
  { quarantined: Type.Array(QuarantineRow) },
  { title: 'QuarantineList' },
)
export type QuarantineList = Static<typeof QuarantineList>
