/* What a server hands to whoever makes a backup of it: POST /admin/backup answers frames (transfer/
 * protocol.ts), each of one letter and what it says:
 *
 *   W                 it is at work
 *   S  BackupBegun    of the moment that everything is of
 *   L  bytes          the ledger, a SQLite file, piece by piece
 *   D  n x 32 bytes   digests of objects that are needed
 *   E  BackupNeeded   nothing more
 *
 * Then POST /admin/backup/objects brings them, as frames of their own: those that can be read, in the
 * order that was asked for. From the first answer to `end` nothing is collected. */
import Type, { type Static } from 'typebox'
import type { SigningKey } from './signing-keys.ts'
import type { CheckpointView } from './wire/ledger.ts'

/** Digests that are asked for at once. */
export const BACKUP_OBJECTS_MAX = 4096

export interface BackupBegun {
  /** Holds the collector off; goes with every call. */
  readonly lease: string
  readonly kaos: string
  readonly installation: string
  readonly store: string
  readonly checkpoint: CheckpointView
  readonly keys: readonly SigningKey[]
  /** Where the server has the key that its secrets are sealed under. */
  readonly secretKeyFile: string
}

export interface BackupNeeded {
  readonly objects: number
  readonly bytes: number
  /** Why some object that is needed is not known: something that names it cannot be read. */
  readonly trouble?: string
}

export const BackupObjects = Type.Object(
  {
    lease: Type.String(),
    /** n x 32 bytes, base64. */
    digests: Type.String({ maxLength: Math.ceil((BACKUP_OBJECTS_MAX * 32) / 3) * 4 }),
  },
  { title: 'BackupObjects' },
)
export type BackupObjects = Static<typeof BackupObjects>

export const BackupEnd = Type.Object({ lease: Type.String() }, { title: 'BackupEnd' })
export type BackupEnd = Static<typeof BackupEnd>
