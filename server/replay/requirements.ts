/** What a bundle asks for by its `requirements.txt`: which lines name one single version. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { entryAt, readSmallFile } from '../../store/trees.ts'

export interface Requirements {
  readonly lines: readonly string[]
  /** Those that leave the version open. */
  readonly unpinned: readonly string[]
  /** Those that also name the hash of the file. */
  readonly hashed: number
}

const TEXT_MAX = 1024 * 1024

/** Of the bundle with this tree; undefined when its content is not here any more. */
export async function requirementsOf(
  store: Pick<Store, 'get'>,
  source: Digest,
): Promise<Requirements | undefined> {
  try {
    const entry = await entryAt(store, source, 'model/requirements.txt')
    if (entry?.kind !== 'file') return parseRequirements('')
    return parseRequirements((await readSmallFile(store, entry, TEXT_MAX)).toString('utf8'))
  } catch (error) {
    if (isKaosError(error)) return undefined
    throw error
  }
}

export function parseRequirements(text: string): Requirements {
  const lines = text
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map(line => line.replace(/(^|\s)#.*$/, '').trim())
    .filter(line => line !== '' && !/^--?(index-url|extra-index-url|find-links|i|f)\b/.test(line))
  return {
    lines,
    unpinned: lines.filter(line => !isPinned(line)),
    hashed: lines.filter(line => line.includes('--hash=')).length,
  }
}

/** `name==1.2`, or a file by its address and hash; `==1.*` is open. */
function isPinned(line: string): boolean {
  if (/^[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\s*={2,3}\s*[^\s*,;]+\s*(;|--hash|$)/.test(line)) return true
  return /@\s*\S+#sha256=/.test(line) || line.includes('--hash=')
}
