/* The room of Git LFS: objects under the SHA-256 of their bytes. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { requireSameKind } from '../catalogue/room.ts'
import { type Body, openArrivals } from '../remotes/arrivals.ts'
import { openClaims } from '../remotes/claims.ts'
import { type Objects, openObjects, type Remote } from '../remotes/objects.ts'
import { openSettling, type Settling } from '../remotes/settling.ts'
import type { Rooms } from '../rooms.ts'

export interface Lfs extends Settling {
  readonly objects: Objects
  /** Durable when it resolves: true if it was not there before. DIGEST_MISMATCH when the bytes are
   * not those of the oid. */
  take(actor: Actor, remote: Remote, oid: string, body: Body): Promise<boolean>
}

export function openLfs(parts: Rooms): Lfs {
  const objects = openObjects(parts.ledger, parts.store)
  const arrivals = openArrivals(parts, objects)
  const claims = openClaims(parts, objects)
  const settling = openSettling({
    parts,
    kind: 'lfs',
    objects,
    arrivals,
    claims,
    message: 'git lfs push',
    fileName: oid => oid,
  })
  return {
    ...settling,
    objects,
    async take(actor, remote, oid, body) {
      await requireSameKind(parts.ledger, remote.workspace, remote.repository, 'data')
      return arrivals.take(actor, {
        remote,
        name: oid,
        body,
        hashes: ['sha256'],
        accept({ hashes }) {
          if (hashes.sha256 === oid) return []
          const message = `the bytes for ${oid} have the SHA-256 ${hashes.sha256}; push them again`
          throw new KaosError('DIGEST_MISMATCH', message, { detail: { oid, ...hashes } })
        },
      })
    },
  }
}
