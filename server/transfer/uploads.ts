/* Upload sessions: who may go on sending into which workspace, for a day after the last use. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { UploadView } from '../../api/wire.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'

const LIFE_MS = 24 * 3600_000
/** A record is written again only when this much of its life is over. */
const EXTEND_MS = 3600_000

export interface Uploads {
  open(actor: Actor, workspace: Workspace): Promise<UploadView>
  /** The session's name in the transfer room, whose life begins anew. UPLOAD_NOT_FOUND when there is
   * none, or it is another actor's or another workspace's. */
  use(actor: Actor, workspace: Workspace, upload: string): Promise<string>
  /** Forgets the session and answers its name in the transfer room; undefined when there is none. */
  end(actor: Actor, workspace: Workspace, upload: string): Promise<string | undefined>
}

export function openUploads(ledger: Ledger, now: () => number): Uploads {
  async function write(actor: Actor, workspace: Workspace, upload: string): Promise<number> {
    const expires = now() + LIFE_MS
    const value = { actor: actor.id, workspace: workspace.id }
    const records = [{ key: keyOf(upload), value, expires }]
    await ledger.commit({ actor: actor.id, organisation: actor.organisation, records })
    return expires
  }

  async function heldBy(actor: Actor, workspace: Workspace, upload: string) {
    const record = await recordAt(ledger, keyOf(upload))
    const owner = record?.value as { actor: string; workspace: string } | undefined
    return owner?.actor === actor.id && owner.workspace === workspace.id ? record : undefined
  }

  return {
    async open(actor, workspace) {
      const upload = newId(now())
      const expires = await write(actor, workspace, upload)
      return { upload, expiresAt: new Date(expires).toISOString() }
    },
    async use(actor, workspace, upload) {
      const record = await heldBy(actor, workspace, upload)
      if (!record) {
        const message = `there is no upload ${upload}; run the command again`
        throw new KaosError('UPLOAD_NOT_FOUND', message)
      }
      const left = (record.expires ?? 0) - now()
      if (left < LIFE_MS - EXTEND_MS) await write(actor, workspace, upload)
      return upload
    },
    async end(actor, workspace, upload) {
      if (!(await heldBy(actor, workspace, upload))) return undefined
      const records = [{ key: keyOf(upload), value: null }]
      await ledger.commit({ actor: actor.id, organisation: actor.organisation, records })
      return upload
    },
  }
}

function keyOf(upload: string): string {
  return `upload/${upload}`
}
