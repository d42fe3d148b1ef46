import Type, { type Static } from 'typebox'
import { At, Nullable } from './common.ts'

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Hashes = Type.Array(Hash)

/** GET /ledger/checkpoint. `note` is the signed note (api/checkpoint.ts), the rest says what it says. */
export const CheckpointView = Type.Object(
  {
    origin: Type.String(),
    size: Type.Integer(),
    root: Hash,
    at: At,
    /** Thumbprint of the key that signed it; its public half is at /.well-known/jwks.json. */
    kid: Type.String(),
    note: Type.String(),
  },
  { title: 'Checkpoint' },
)
export type CheckpointView = Static<typeof CheckpointView>

/** GET /ledger/inclusion?seq=&size= (size: the whole log when absent). Hashes are hex, the nearest
 * sibling first (RFC 6962, 2.1.1). */
export const InclusionView = Type.Object(
  { seq: Type.Integer(), size: Type.Integer(), leaf: Hash, root: Hash, proof: Hashes },
  { title: 'InclusionProof' },
)
export type InclusionView = Static<typeof InclusionView>

/** GET /ledger/consistency?first=&second= (second: the whole log when absent; RFC 6962, 2.1.2). */
export const ConsistencyView = Type.Object(
  { first: Type.Integer(), second: Type.Integer(), root: Hash, proof: Hashes },
  { title: 'ConsistencyProof' },
)
export type ConsistencyView = Static<typeof ConsistencyView>

/** GET /ledger/statements?from=&limit= -> {statements}: the log itself, for administrators. A payload
 * that was erased is null; leaf = SHA-256(0x00 || salt || payload). */
export const StatementView = Type.Object(
  {
    seq: Type.Integer(),
    at: At,
    leaf: Hash,
    salt: Nullable(Type.String()),
    payload: Nullable(Type.String()),
  },
  { title: 'Statement' },
)
export type StatementView = Static<typeof StatementView>

/** GET /admin/ledger/statement?of= -> what stands to be erased. `of`: the number of a statement, or the
 * id of something that it made. */
export const ErasableView = Type.Object(
  {
    seq: Type.Integer(),
    at: At,
    type: Type.String(),
    nodes: Type.Array(
      Type.Object({ id: Type.String(), kind: Type.String(), name: Nullable(Type.String()) }),
    ),
  },
  { title: 'Erasable' },
)
export type ErasableView = Static<typeof ErasableView>

/** POST /admin/ledger/erase -> 201 ErasedView. */
export const EraseRequest = Type.Object(
  {
    statement: Type.Integer({ minimum: 0 }),
    reason: Type.String({ minLength: 1, maxLength: 1000 }),
  },
  { title: 'EraseRequest' },
)
export type EraseRequest = Static<typeof EraseRequest>

/** A statement whose payload was erased. GET /admin/ledger/erasures -> {erasures}, by number. */
export const ErasedView = Type.Object(
  {
    seq: Type.Integer(),
    /** When it was said, and when, by which statement and by whom it was erased. */
    at: At,
    erasedAt: At,
    by: Type.Integer(),
    who: Type.String(),
    reason: Type.String(),
    /** What it was: `bundle.imported`. */
    type: Type.String(),
    /** Ids of what it made, which stays without name and attributes. */
    nodes: Type.Array(Type.String()),
  },
  { title: 'Erased' },
)
export type ErasedView = Static<typeof ErasedView>

/** GET /admin/keys -> {keys}; POST /admin/keys/rotate -> the new one. */
export const KeyView = Type.Object(
  { kid: Type.String(), createdAt: At, retiredAt: Nullable(At), x: Type.String() },
  { title: 'Key' },
)
export type KeyView = Static<typeof KeyView>
