import Type, { type Static } from 'typebox'
import { At, Nullable } from './common.ts'

/** What was looked at in one part, and how to mend what is wrong with it. */
export const DoctorFinding = Type.Object(
  {
    part: Type.String(),
    state: Type.Union([Type.Literal('good'), Type.Literal('warning'), Type.Literal('bad')]),
    what: Type.String(),
    mend: Nullable(Type.String()),
  },
  { title: 'DoctorFinding' },
)
export type DoctorFinding = Static<typeof DoctorFinding>

/** GET /admin/doctor: the server about itself; `now` is its clock. */
export const DoctorView = Type.Object(
  { now: At, version: Type.String(), findings: Type.Array(DoctorFinding) },
  { title: 'Doctor' },
)
export type DoctorView = Static<typeof DoctorView>
