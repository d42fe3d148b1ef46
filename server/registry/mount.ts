/* Mounting: a repository gets a blob that another one has, without its bytes being sent. Only from
 * where the caller may read; nobody learns from a refusal whether the blob is somewhere else. */
import type { Actor } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { blobAt, blobWrites, type Found, repositoriesWith, takeBlob } from '../blobs/blobs.ts'
import { nameOf } from './names.ts'
import { type Registry, readingOf } from './room.ts'
import type { Owner } from './upload-records.ts'

interface Source {
  readonly ws: string
  readonly repository: string
}

/** Whether the repository has the blob now. `from`: the only repository to look into. */
export async function mount(
  registry: Registry,
  actor: Actor,
  owner: Owner,
  digest: string,
  from: string | null,
): Promise<boolean> {
  if (!actor.scopes.includes('read')) return false
  for await (const source of sourcesOf(registry, actor, digest, from)) {
    const found = await blobAt(readingOf(registry), source.ws, source.repository, digest)
    if (!found || !(await found.isSound())) continue
    if (found.file === undefined) await mountCopy(registry, owner, digest, found)
    else if (!(await mountFile(registry, owner, digest, source))) continue
    return true
  }
  return false
}

async function* sourcesOf(
  { parts: { ledger, workspaces } }: Registry,
  actor: Actor,
  digest: string,
  from: string | null,
): AsyncGenerator<Source> {
  if (from !== null) {
    const source = await sourceNamed(from)
    if (source) yield source
    return
  }
  for await (const source of repositoriesWith(ledger, digest)) {
    const workspace = await workspaces.byId(source.ws)
    if (workspace?.organisation === actor.organisation) yield source
  }

  async function sourceNamed(name: string): Promise<Source | undefined> {
    try {
      const { workspace, repository } = nameOf(name.split('/'))
      return { ws: (await workspaces.find(actor, workspace)).id, repository }
    } catch (error) {
      if (isKaosError(error, 'WORKSPACE_NOT_FOUND') || isKaosError(error, 'INVALID_NAME')) {
        return undefined
      }
      throw error
    }
  }
}

/** The same file, looked at once more where no collection can come between. */
async function mountFile(
  registry: Registry,
  owner: Owner,
  digest: string,
  source: Source,
): Promise<boolean> {
  return registry.parts.intake.relying(async expect => {
    const found = await blobAt(readingOf(registry), source.ws, source.repository, digest)
    if (found?.file === undefined || !(await found.isSound())) return false
    await write(registry, owner, digest, { file: found.file, size: found.size }, expect)
    return true
  })
}

/** What is made when it is read, or lies in a segment, becomes a file: it must not go with what it is
 * made of. */
async function mountCopy(
  registry: Registry,
  owner: Owner,
  digest: string,
  found: Found,
): Promise<void> {
  const { parts } = registry
  const session = newId()
  try {
    const taken = await takeBlob(parts, { session, source: found.read(), hashes: [] })
    await parts.intake.relying(async expect => {
      await taken.keep()
      await write(registry, owner, digest, taken, expect)
    })
  } finally {
    await parts.transfer.end(session)
  }
}

type Expect = Parameters<Parameters<Registry['parts']['intake']['relying']>[0]>[0]

async function write(
  { parts: { ledger, now } }: Registry,
  { ws, repository, actor, organisation }: Owner,
  digest: string,
  { file, size }: { file: Digest; size: number },
  expect: Expect,
): Promise<void> {
  const value = { file, size, at: new Date(now()).toISOString(), by: actor }
  const records = blobWrites(ws, repository, digest, value)
  await ledger.commit({ actor, organisation, expect, records })
}
