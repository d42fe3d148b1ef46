/* What a foreign tool brought becomes the next version of the remote's repository: a data entity,
 * imported by those who brought it, derived from the version before. */
import { isKaosError } from '../../api/errors.ts'
import { bundleName, newId } from '../../api/ids.ts'
import type { Commit, Expectation, Json, Ledger, Node, RecordWrite } from '../../graph/ledger.ts'
import type { Folder } from '../../store/trees.ts'
import { bundlePointer } from '../bundles/bundles.ts'
import { isPurged } from '../care/purged.ts'
import { folderOf } from '../catalogue/names.ts'
import { type Moving, planVersion } from '../catalogue/pointers.ts'
import { newestVersion } from '../catalogue/versions.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Remote } from './objects.ts'

export interface Version {
  readonly remote: Remote
  readonly folder: Folder
  /** What the tool calls it. */
  readonly attributes: Readonly<Record<string, Json>>
  /** What happened, for its history. */
  readonly message: string
  /** Agents who brought it, the last one last: it is theirs. */
  readonly by: readonly [string, ...string[]]
  readonly expect: readonly Expectation[]
  /** What is written with it, once its entity is known. */
  readonly records?: (entity: string) => readonly RecordWrite[]
}

const TURNS = 25

/** Commits the version with its records; answers its entity. The folder that the repository already
 * stands at is no new version: the records are written alone. CONFLICT when what it expects is over. */
export async function commitVersion(ledger: Ledger, version: Version): Promise<string> {
  for (let turn = 1; ; turn++) {
    try {
      return await commitNext(ledger, version)
    } catch (error) {
      if (!isOutrun(error) || turn >= TURNS) throw error
    }
  }
}

/** Whether another version came first. */
function isOutrun(error: unknown): boolean {
  return isKaosError(error, 'CONFLICT') && 'pointer' in ((error.detail.expected as object) ?? {})
}

async function commitNext(ledger: Ledger, version: Version): Promise<string> {
  const { remote, by, message, records } = version
  const { organisation, workspace, repository } = remote
  const entity = newId()
  const last = await newestVersion(ledger, workspace, repository)
  const before = last && (await ledger.node(last.entity))
  const { number, expect, moves } = await planVersion(ledger, workspace, repository, entity)
  const bundle = await bundleOf(ledger, version, entity)
  const imported = {
    ...importOf(version, entity, before),
    moves: [...moves, ...bundle.moves],
    detail: { repository, version: number, message },
  }
  const same = before && isSame(version, before) && !(await isPurged(ledger, before.id))
  const standing = same ? before.id : undefined
  await ledger.commit({
    actor: by.at(-1) ?? by[0],
    organisation,
    expect: [...version.expect, ...expect, ...bundle.expect],
    records: records?.(standing ?? entity) ?? [],
    statements: standing === undefined ? [imported] : [],
  })
  return standing ?? entity
}

/** Who deploys the same folder later finds this data set, unless it was sent before. */
async function bundleOf(
  ledger: Ledger,
  { remote, folder }: Version,
  entity: string,
): Promise<Moving> {
  const named = { kind: 'data', folder: folderOf(remote.repository), tree: folder.digest } as const
  const pointer = bundlePointer(remote.workspace, named)
  if (await pointerAt(ledger, pointer)) return { expect: [], moves: [] }
  return { expect: [{ pointer, target: null }], moves: [{ pointer, target: entity }] }
}

function isSame({ folder, attributes }: Version, before: Node): boolean {
  if (before.digest !== folder.digest) return false
  return Object.entries(attributes).every(([key, value]) => before.attributes[key] === value)
}

function importOf(
  { remote, folder, attributes, by }: Version,
  entity: string,
  before: Node | undefined,
): NonNullable<Commit['statements']>[number] {
  const { kind, workspace, repository } = remote
  const activity = newId()
  const agents = [...new Set(by)]
  const name = folderOf(repository)
  const { digest, files, bytes } = folder
  const author = agents.at(-1) ?? by[0]
  return {
    type: 'version.pushed',
    workspace,
    nodes: [
      { id: activity, class: 'activity', kind: 'import', workspace, attributes: {} },
      {
        id: entity,
        class: 'entity',
        kind: 'data',
        workspace,
        digest,
        name: bundleName(name, digest),
        attributes: { folder: name, files, bytes, author, remote: kind, ...attributes },
      },
    ],
    edges: [
      ...agents.map(to => ({ from: activity, relation: 'wasAssociatedWith' as const, to })),
      { from: entity, relation: 'wasGeneratedBy', to: activity },
      ...agents.map(to => ({ from: entity, relation: 'wasAttributedTo' as const, to })),
      ...(before ? [derived(entity, before)] : []),
    ],
  }
}

function derived(from: string, { id: to }: Node) {
  return { from, relation: 'wasDerivedFrom', to, role: 'revision' } as const
}
