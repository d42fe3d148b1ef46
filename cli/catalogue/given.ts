/* What follows -s, -d and -m: a folder if there is one of this name, else a reference to what the
 * server has. A text that can be neither is told at once, before a server is asked. */
import { statSync } from 'node:fs'
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { EntityView } from '../../api/wire.ts'
import type { WorkspaceSession } from '../base.ts'

const WORDS = {
  'train-source': { what: 'source bundle', like: 'mnist:e23a2' },
  'serve-source': { what: 'source bundle', like: 'mnist:ff06b' },
  data: { what: 'data set', like: 'features@v3' },
  model: { what: 'model', like: 'mnist:champion' },
} as const

export type Sought = keyof typeof WORDS

/** As a path would begin or end: never a reference. */
const PATH = /^[./~\\]|[\\/]$/

export function isPathLike(text: string): boolean {
  return PATH.test(text)
}

/** Whether a folder is meant; USAGE when the text can be neither that nor a reference. */
export function isFolder(kind: Sought, text: string): boolean {
  const found = statSync(text, { throwIfNoEntry: false })
  if (found?.isDirectory()) return true
  const { what, like } = WORDS[kind]
  const why = found ? 'is a file, not a folder' : 'is no folder here'
  if (found || !canBeReference(kind, text)) {
    throw new KaosError('USAGE', `${text} ${why}, and no reference to a ${what} (like ${like})`)
  }
  return false
}

/** Sources have no name of their own in the catalogue: only a short id, a digest, a part of a kit. */
function canBeReference(kind: Sought, text: string): boolean {
  if (text === '' || PATH.test(text)) return false
  if (kind === 'data' || kind === 'model') return true
  return /[:@]/.test(text) || isId(text)
}

/** What the reference names; the error says that no folder was meant either. */
export async function findGiven(
  { client, base }: WorkspaceSession,
  kind: Sought,
  reference: string,
): Promise<EntityView> {
  const found = (sought: Sought) =>
    client.get<EntityView>(`${base}/entities`, { reference, kind: sought })
  try {
    return await found(kind)
  } catch (error) {
    if (!(error instanceof KaosError) || error.status !== 404) throw error
    // A training may read a model: to begin from, or to compare with.
    const model = kind === 'data' ? await found('model').catch(() => undefined) : undefined
    if (model) return model
    const { code, detail, message } = error
    const neither = `${reference} is no folder here, and ${message}`
    throw new KaosError(code, neither, { detail, cause: error })
  }
}
