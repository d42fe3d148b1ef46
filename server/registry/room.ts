/* What the registry's calls have in common. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { Reading } from '../blobs/blobs.ts'
import type { Workspace } from '../parts.ts'
import type { Rooms } from '../rooms.ts'
import type { Gate } from './gate.ts'
import type { Name } from './names.ts'
import type { Owner } from './upload-records.ts'
import type { Uploads } from './uploads.ts'

export interface Registry {
  readonly parts: Rooms
  readonly uploads: Uploads
  /** For bodies of blobs. */
  readonly gate: Gate
  readonly largeManifests: Gate
}

/** A repository as a request found it. */
export interface Place {
  readonly workspace: Workspace
  /** Its id. */
  readonly ws: string
  readonly repository: string
  /** `<workspace>/<repository>` */
  readonly name: string
}

export interface Call {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly query: URLSearchParams
}

/** The workspace has to be there; a repository is there once something is in it. */
export async function placeOf(
  { parts }: Registry,
  { actor }: FastifyRequest,
  { workspace, repository, full }: Name,
): Promise<Place> {
  try {
    const found = await parts.workspaces.find(actor, workspace)
    return { workspace: found, ws: found.id, repository, name: full }
  } catch (cause) {
    if (!isKaosError(cause, 'WORKSPACE_NOT_FOUND')) throw cause
    const create = `create it with: kaos workspace create -n ${workspace}`
    const message = `there is no workspace ${workspace}; ${create}`
    throw new KaosError('REPOSITORY_UNKNOWN', message, { cause })
  }
}

export function ownerOf({ actor }: FastifyRequest, { ws, repository }: Place): Owner {
  return { ws, repository, actor: actor.id, organisation: actor.organisation }
}

export function readingOf({ parts }: Registry): Reading {
  return { ledger: parts.ledger, store: parts.store, views: parts.kits.views }
}

/** The names under which images lie that kaos built; nobody pushes to them. */
export function isBuilt({ workspace }: Place, repository: string): boolean {
  const own = workspace.name
  return repository === `build-train-${own}` || repository === `build-serve-${own}`
}

export function requireNotBuilt(place: Place): void {
  if (!isBuilt(place, place.repository)) return
  const message = `${place.name} is kept for the images that kaos builds; take another name`
  throw new KaosError('UNSUPPORTED', message)
}
