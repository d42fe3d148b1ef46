/* Data that were sent for a training are data sets like those that were pushed: the next version of
 * the repository named after their folder, in the commit that imports them. */
import type { BundleKind } from '../../api/bundle.ts'
import type { Digest } from '../../api/digest.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { isPurged } from '../care/purged.ts'
import { repositoryNamed } from './names.ts'
import { type Moving, planVersion } from './pointers.ts'
import { newestVersion } from './versions.ts'

interface Imported {
  readonly kind: BundleKind
  readonly folder: string
  readonly tree: Digest
}

/** The repository that a bundle's folder stands for. */
export function repositoryOfFolder(folder: string): string {
  return repositoryNamed(folder, 'data')
}

/** Nothing for a source, for content that the newest version has already, and where the repository
 * holds models: a deploy does not fail for that. */
export async function planImported(
  ledger: Ledger,
  ws: string,
  { kind, folder, tree }: Imported,
  entity: string,
): Promise<Moving> {
  if (kind !== 'data') return { expect: [], moves: [] }
  const repository = repositoryOfFolder(folder)
  const newest = await newestVersion(ledger, ws, repository)
  const node = newest && (await ledger.node(newest.entity))
  const unchanged = node?.digest === tree && !(await isPurged(ledger, node.id))
  if (unchanged || node?.kind === 'model') return { expect: [], moves: [] }
  return planVersion(ledger, ws, repository, entity)
}
