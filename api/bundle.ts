/* What a bundle is: a folder with exactly one child folder, which is what is kept. Shared by the CLI
 * (which asks before it sends anything) and the server (which decides). */
import { KaosError } from './errors.ts'

export const BUNDLE_KINDS = ['train-source', 'serve-source', 'data'] as const
export type BundleKind = (typeof BUNDLE_KINDS)[number]

const WORDS: Record<BundleKind, string> = {
  'train-source': 'source bundle',
  'serve-source': 'source bundle',
  data: 'data bundle',
}

/** The child folder that is the bundle. `folders` and `files` are the names right below `path`,
 * hidden ones left out. Throws INVALID_BUNDLE, saying what to do. */
export function bundleFolder(
  kind: BundleKind,
  path: string,
  folders: readonly string[],
  files: readonly string[],
): string {
  const what = `${WORDS[kind]} ${path}`
  const only = folders[0]
  if (only === undefined) {
    const why = files.length === 0 ? 'is empty' : 'has no folder in it'
    throw invalid(`${what} ${why}; give a folder that holds exactly one folder${shape(kind)}`)
  }
  if (kind !== 'data' && files.includes('Dockerfile') && folders.includes('model')) {
    throw invalid(`${what} is the inner folder of a bundle; give the folder above it`)
  }
  if (folders.length > 1) {
    const names = folders.slice(0, 5).join(', ')
    throw invalid(`${what} has ${folders.length} folders (${names}); it must hold exactly one`)
  }
  return only
}

/** `train get` names folders `mnist:e23a2`; sent again they are `mnist`. */
export function folderName(child: string): string {
  return child.replace(/:[0-9a-f]{5,64}$/, '')
}

function shape(kind: BundleKind): string {
  if (kind === 'data') return ' (for example features/)'
  const program = kind === 'train-source' ? 'train' : 'serve'
  return `, with a Dockerfile and model/${program} inside`
}

function invalid(message: string): KaosError {
  return new KaosError('INVALID_BUNDLE', message)
}
