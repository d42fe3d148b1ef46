/* Deletions. A tag goes alone; a manifest goes with every tag of this repository that stands at it, and
 * with its place as a version. Both are facts: what was there, who took it away. No byte is deleted,
 * and what a job used stays. What refers to a manifest stays listed for its digest. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { Expectation, Node, Statement } from '../../graph/ledger.ts'
import { planTag, pointerOf, tagMoved } from '../catalogue/pointers.ts'
import { planRemoval } from '../catalogue/remove.ts'
import { inTurn } from '../catalogue/turns.ts'
import { placeIn, tagsOf } from '../catalogue/versions.ts'
import { pointerAt } from '../ledger-reads.ts'
import { findManifest, tagged } from './find.ts'
import { manifestUnknown } from './refusals.ts'
import { isBuilt, type Place, type Registry } from './room.ts'

export async function removeTag(
  registry: Registry,
  actor: Actor,
  place: Place,
  tag: string,
): Promise<void> {
  const { ledger } = registry.parts
  const { ws, repository, workspace } = place
  await inTurn(ledger, ws, repository, async () => {
    const there = await pointerAt(ledger, pointerOf.tag(ws, repository, tag))
    if (!there) {
      if (await tagged(registry, place, tag)) throw kept(`${place.name}:${tag}`)
      throw manifestUnknown(tag)
    }
    const planned = await planTag(ledger, ws, repository, tag, null)
    const statement = tagMoved(ws, repository, tag, planned)
    const statements = statement ? [statement] : []
    const { organisation } = workspace
    await ledger.commit({ actor: actor.id, organisation, expect: planned.expect, statements })
  })
}

export async function removeManifest(
  registry: Registry,
  actor: Actor,
  place: Place,
  digest: string,
): Promise<void> {
  const { ledger } = registry.parts
  const { ws, repository, workspace } = place
  await inTurn(ledger, ws, repository, async () => {
    const found = await findManifest(registry, place, digest)
    if (!found) throw manifestUnknown(digest)
    if (isBuilt(place, repository)) throw kept(`${place.name}@${digest}`)
    const planned = await plan(registry, place, found.entity, digest)
    const { organisation } = workspace
    await ledger.commit({ actor: actor.id, organisation, ...planned })
  })
}

async function plan(
  { parts: { ledger } }: Registry,
  { ws, repository }: Place,
  entity: Node,
  digest: string,
): Promise<{ expect: Expectation[]; statements: Statement[] }> {
  const number = await placeIn(ledger, ws, entity.id, repository)
  if (number !== undefined) return planRemoval(ledger, ws, repository, number, entity)
  const expect: Expectation[] = []
  const statements: Statement[] = []
  for (const { tag, entity: at } of await tagsOf(ledger, ws, repository)) {
    if (at !== entity.id) continue
    const planned = await planTag(ledger, ws, repository, tag, null)
    const statement = tagMoved(ws, repository, tag, planned)
    expect.push(...planned.expect)
    if (statement) statements.push(statement)
  }
  const { subject } = entity.attributes
  const pointers = [pointerOf.oci(ws, repository, digest)]
  if (typeof subject === 'string') {
    pointers.push(pointerOf.referrer(ws, repository, subject, digest))
  }
  expect.push(...pointers.map(pointer => ({ pointer, target: entity.id })))
  const moves = pointers.map(pointer => ({ pointer, target: null }))
  const detail = { repository, manifest: digest, entity: entity.id }
  statements.push({ type: 'artifact.removed', workspace: ws, moves, detail })
  return { expect, statements }
}

function kept(what: string): KaosError {
  const why = 'its name was given by kaos and goes with what it names'
  return new KaosError('UNSUPPORTED', `${what} cannot be deleted: ${why}; see: kaos data remove`)
}
