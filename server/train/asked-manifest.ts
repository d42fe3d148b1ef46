/** The manifest of a request: its text, or the file that it was sent as, checked. */
import type { Actor } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { MANIFEST_BYTES_MAX, parseManifest } from '../../api/manifest.ts'
import type { TrainRequest } from '../../api/wire.ts'
import { readSmallFile } from '../../store/trees.ts'
import { requireFolderName } from '../bundles/rules.ts'
import type { Board } from '../jobs/board.ts'
import type { Workspace } from '../parts.ts'
import { openUploads } from '../transfer/uploads.ts'
import type { SentManifest } from './data.ts'

export async function askedManifest(
  board: Board,
  actor: Actor,
  workspace: Workspace,
  request: TrainRequest,
): Promise<SentManifest | undefined> {
  const { manifest, manifestFile, manifestName = 'manifest', again = false } = request
  const ways = [request.data, manifest, manifestFile].filter(one => one !== undefined)
  if (ways.length > 1) {
    throw new KaosError('BAD_REQUEST', 'give a data bundle or one manifest, not both')
  }
  const text = manifestFile ? await textOf(board, actor, workspace, manifestFile) : manifest
  if (text === undefined) return undefined
  requireFolderName(manifestName)
  return { manifest: parseManifest(text), folder: manifestName, again }
}

async function textOf(
  { parts }: Board,
  actor: Actor,
  workspace: Workspace,
  { upload, digest }: NonNullable<TrainRequest['manifestFile']>,
): Promise<string> {
  const { ledger, now, store, transfer } = parts
  const session = await openUploads(ledger, now).use(actor, workspace, upload)
  await transfer.acceptFile(session, workspace.id, digest as Digest)
  const bytes = await readSmallFile(store, digest as Digest, MANIFEST_BYTES_MAX)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new KaosError('INVALID_MANIFEST', 'the manifest is not UTF-8; save it as such')
  }
}
