/* What CLI and server say to each other: one schema for each thing, which validates, types and
 * documents. Paths are below /api/v1. Times are RFC 3339 in UTC. */

export * from './wire/attestations.ts'
export * from './wire/audit.ts'
export * from './wire/care.ts'
export * from './wire/catalogue.ts'
export { Problem } from './wire/common.ts'
export * from './wire/doctor.ts'
export * from './wire/jobs.ts'
export * from './wire/ledger.ts'
export * from './wire/people.ts'
export * from './wire/provenance.ts'
export * from './wire/queue.ts'
export * from './wire/replay.ts'
export * from './wire/serve.ts'
export * from './wire/train.ts'
export * from './wire/workers.ts'
export * from './wire/workspaces.ts'
