/* The current workspace of this directory. */
import { forget } from './caches.ts'
import type { State } from './state.ts'

/** The same as WORKSPACE_NAME in api/ids.ts, without the cost of its imports; a test compares them. */
export const WORKSPACE_FORM = /^[A-Za-z0-9_]{1,64}$/

/** Makes it the current one (undefined: none). The listings of the one before mean nothing now. */
export function enterWorkspace(state: State | undefined, name: string | undefined): void {
  if (state === undefined) return
  if (state.workspace !== name) forget(state.folder, ['train', 'serve'])
  state.workspace = name
  state.save()
}
