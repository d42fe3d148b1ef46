/* Quotas as an administrator sets them: each change is a fact. */
import type { Actor } from '../../api/actor.ts'
import type { QuotaView } from '../../api/wire.ts'
import type { Workspace } from '../parts.ts'
import type { Rooms } from '../rooms.ts'
import { count } from './stats.ts'
import { workspaceNames } from './workspace-names.ts'

export async function listQuotas(parts: Rooms): Promise<QuotaView[]> {
  const nameOf = await workspaceNames(parts)
  const views: QuotaView[] = []
  for (const id of await parts.quotas.list()) {
    const view = await viewOf(parts, id, nameOf(id) ?? id)
    if (view) views.push(view)
  }
  return views
}

/** What the workspace has is counted now; a limit below it is no error, only nothing more fits. */
export async function setQuota(
  parts: Rooms,
  actor: Actor,
  { id, name }: Workspace,
  bytes: number,
): Promise<QuotaView> {
  const { census } = await count(parts)
  await write(parts, actor, id, bytes, census.of(id).storedBytes)
  return (await viewOf(parts, id, name))!
}

export async function removeQuota(parts: Rooms, actor: Actor, { id }: Workspace): Promise<void> {
  if (await parts.quotas.of(id)) await write(parts, actor, id, null, 0)
}

async function write(
  { ledger, quotas }: Rooms,
  actor: Actor,
  workspace: string,
  bytes: number | null,
  measured: number,
): Promise<void> {
  await ledger.commit({
    actor: actor.id,
    organisation: actor.organisation,
    statements: [{ type: 'quota.set', workspace, detail: { bytes } }],
    records: quotas.limitWrites(workspace, bytes, measured),
  })
}

async function viewOf(
  { quotas }: Rooms,
  id: string,
  workspace: string,
): Promise<QuotaView | undefined> {
  const use = await quotas.of(id)
  if (!use) return undefined
  const { limit, measured, received, held } = use
  return { workspace, bytes: limit, usedBytes: measured + received, heldBytes: held }
}
