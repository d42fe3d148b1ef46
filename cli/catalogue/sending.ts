/* A folder on its way into the catalogue: all of it is the tree, and a note is kept of which version
 * it holds from then on. */
import { basename, resolve } from 'node:path'
import { folderName } from '../../api/bundle.ts'
import { isKaosError } from '../../api/errors.ts'
import type { EntityView, PushRequest, PushView } from '../../api/wire.ts'
import type { WorkspaceSession } from '../base.ts'
import { type PushOptions, pushFolder } from '../bundles.ts'
import { environment } from '../config.ts'
import type { Noun } from './command.ts'
import { heldIn, rememberFolder } from './folders.ts'

export type Wanted = Omit<PushRequest, 'upload' | 'kind' | 'folder' | 'tree'>

/** Sends the folder and makes it the next version; `kind` of thing that it is. */
export async function pushVersion(
  session: WorkspaceSession,
  kind: Noun,
  folder: string,
  wanted: Wanted,
  how: Omit<PushOptions, 'label' | 'ignores'>,
): Promise<PushView> {
  const { client, base } = session
  const from = Promise.resolve(wanted.from ?? madeFrom(session, folder))
  // Met when the folder is there; until then a failure must not count as unhandled.
  from.catch(() => undefined)
  const label = kind === 'data' ? 'Sending data set' : 'Sending model'
  const view = await pushFolder(
    client,
    base,
    folder,
    { ...how, label },
    async ({ upload, tree }) => {
      const origin = await from
      const request: PushRequest = {
        ...wanted,
        ...(origin !== undefined && { from: origin }),
        upload,
        kind,
        folder: folderName(basename(resolve(folder))),
        tree,
      }
      return client.post<PushView>(`${base}/repositories`, request)
    },
  )
  noteHeld(session, folder, view.version.entity)
  return view
}

export function noteHeld({ client, workspace }: WorkspaceSession, folder: string, entity: string) {
  const { endpoint } = client
  rememberFolder(environment().stateHome, folder, { endpoint, workspace, entity })
}

/** The version that the folder was fetched or pushed as, if the server still knows it. */
async function madeFrom(
  { client, base, workspace }: WorkspaceSession,
  folder: string,
): Promise<string | undefined> {
  const where = { endpoint: client.endpoint, workspace }
  const reference = heldIn(environment().stateHome, folder, where)
  if (reference === undefined) return undefined
  try {
    return (await client.get<EntityView>(`${base}/entities`, { reference })).entity
  } catch (error) {
    if (isKaosError(error) && error.status === 404) return undefined
    throw error
  }
}
