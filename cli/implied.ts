/* An index where nothing was listed: the listing is made now, remembered like one that was shown, and
 * what the index stands for is said. */
import type { ServeList, TrainList, WorkspaceView } from '../api/wire.ts'
import { remember } from './caches.ts'
import type { Client } from './client.ts'

export type ListedGroup = 'train' | 'serve' | 'workspace'

interface Row {
  readonly id: string
  /** For people: which one that is. */
  readonly text: string
}

/** The ids, as the list command of the group would show them. */
export async function listNow(
  { client, folder }: { client: Client; folder: string | undefined },
  group: ListedGroup,
  workspace: string | undefined,
  base: string,
): Promise<Row[]> {
  const rows = await rowsOf(client, group, base)
  const ids = rows.map(row => row.id)
  remember(folder, group, ids, workspace)
  return rows
}

async function rowsOf(client: Client, group: ListedGroup, base: string): Promise<Row[]> {
  if (group === 'train') {
    const { training } = await client.get<TrainList>(`${base}/train`)
    return training.map(({ jobId, state }) => ({ id: jobId, text: `job ${jobId}, ${state}` }))
  }
  if (group === 'serve') {
    const { running } = await client.get<ServeList>(`${base}/serve`)
    return running.map(({ name, state }) => ({ id: name, text: `endpoint ${name}, ${state}` }))
  }
  const { workspaces } = await client.get<{ workspaces: WorkspaceView[] }>('/workspaces')
  return workspaces.map(({ name }) => ({ id: name, text: `workspace ${name}` }))
}
