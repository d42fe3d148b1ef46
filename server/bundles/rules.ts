/* What a bundle must be before it is kept: found out now, not after minutes of building. */
import type { BundleKind } from '../../api/bundle.ts'
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import type { Entry } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, readFile } from '../../store/trees.ts'
import type { Settings } from '../parts.ts'

export interface Candidate {
  readonly kind: BundleKind
  readonly folder: string
  readonly tree: Digest
  readonly files: number
}

/** INVALID_BUNDLE, saying what to do, when the bundle could never work. */
export async function requireBundle(
  store: Store,
  bundle: Candidate,
  runner: Settings['runner'],
): Promise<void> {
  requireFolderName(bundle.folder)
  if (bundle.kind !== 'data') return requireSource(store, bundle, runner)
  if (bundle.files > 0) return
  throw invalid(`the data bundle ${bundle.folder} has no files; put at least one into it`)
}

/** Bytes of a name, less those of the `:e23a2` with which it is laid out. */
const FOLDER_MAX = 255 - 6

/** Names that would break a listing or a path are refused here; inside the bundle they are fine. */
export function requireFolderName(folder: string): void {
  const shown = JSON.stringify(folder)
  if (
    folder === '.' ||
    folder === '..' ||
    folder.includes('/') ||
    Buffer.byteLength(folder) > FOLDER_MAX
  ) {
    throw invalid(`the folder name ${shown} is not allowed; rename the folder`)
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(folder) || !folder.isWellFormed()) {
    throw invalid(`the folder name ${shown} has control characters or line ends; rename the folder`)
  }
}

async function requireSource(
  store: Store,
  { kind, folder, tree }: Candidate,
  runner: Settings['runner'],
): Promise<void> {
  const entries = await entriesOf(store, tree)
  const dockerfile = entries.find(one => one.name === 'Dockerfile' && one.kind !== 'folder')
  if (!dockerfile && runner !== 'process') {
    throw invalid(`the source bundle ${folder} has no Dockerfile; add ${folder}/Dockerfile`)
  }
  const model = entries.find(one => one.name === 'model' && one.kind === 'folder')
  const name = kind === 'train-source' ? 'train' : 'serve'
  const path = `${folder}/model/${name}`
  if (!model) throw invalid(`the source bundle ${folder} has no folder model; add ${path}`)
  const program = (await entriesOf(store, model.digest)).find(one => one.name === name)
  if (!program || program.kind === 'folder') {
    const verb = name === 'train' ? 'trains' : 'serves'
    throw invalid(
      `the source bundle ${folder} lacks model/${name}; add a program ${path} that ${verb}`,
    )
  }
  await requireStart(store, program, path)
  if (program.kind === 'executable') return
  const text = dockerfile ? await startOf(store, dockerfile, DOCKERFILE_READ) : Buffer.alloc(0)
  if (text.includes('chmod')) return
  throw invalid(`${path} cannot be executed; run: chmod +x ${path}`)
}

const DOCKERFILE_READ = 64 * 1024
const ELF = '\x7fELF'

async function requireStart(store: Store, program: Entry, path: string): Promise<void> {
  const start = await startOf(store, program, 256)
  const text = start.toString('latin1')
  if (text.startsWith(ELF)) return
  if (!text.startsWith('#!')) {
    const line = '#!/usr/bin/env python3'
    throw invalid(`${path} cannot be started: add a first line such as ${line}`)
  }
  // The kernel would look for an interpreter whose name ends in a carriage return.
  if (/^[^\n]*\r\n/.test(text)) {
    throw invalid(`${path} has the line ends of Windows; convert it: sed -i 's/\\r$//' ${path}`)
  }
}

/** The first bytes of a file, so many at most. */
async function startOf(store: Store, file: Entry, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const bytes of readFile(store, file)) {
    parts.push(bytes)
    length += bytes.length
    if (length >= most) break
  }
  return Buffer.concat(parts).subarray(0, most)
}

function invalid(message: string): KaosError {
  return new KaosError('INVALID_BUNDLE', message)
}
