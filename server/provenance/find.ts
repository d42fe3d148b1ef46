/* What somebody means by any name that a person has of anything: a model, a bundle, a version or tag,
 * an endpoint, a job, an id, a digest. */
import { type Digest, isDigest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { findEntity, type Sought } from '../catalogue/find.ts'
import type { Board } from '../jobs/board.ts'
import { findJob } from '../jobs/find.ts'
import { readRecord } from '../jobs/reading.ts'
import { type EndpointRecord, keyOf } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { findEndpoint } from '../serve/endpoints.ts'

const ANYTHING: readonly Sought[] = [
  'model',
  'data',
  'train-source',
  'serve-source',
  'artifact',
  'image',
]
const MISSING = [
  'NOT_FOUND',
  'MODEL_NOT_FOUND',
  'BUNDLE_NOT_FOUND',
  'ENDPOINT_NOT_FOUND',
  'JOB_NOT_FOUND',
] as const

export interface Search {
  readonly board: Board
  readonly workspace: Workspace
  /** The ledger as it is to be looked at; absent: as it is now. */
  readonly ledger?: Ledger
}

/** NOT_FOUND when nothing has this name, AMBIGUOUS when several things have it. */
export async function findThing(search: Search, typed: string): Promise<Node> {
  const text = typed.trim()
  const readings = [byId, byEndpoint, byDigest, byCatalogue, byName, byJob, byPartOfEndpoint]
  for (const reading of readings) {
    const found = await reading(search, text).catch(unlessMissing)
    if (found) return found
  }
  const next = 'see: kaos train list, kaos model list, kaos data list or kaos serve list'
  const then = search.ledger === undefined ? '' : ' at that time'
  const where = `in workspace ${search.workspace.name}${then}`
  throw new KaosError('NOT_FOUND', `there is nothing called ${text} ${where}; ${next}`)
}

type Reading = (search: Search, text: string) => Promise<Node | undefined>

const byId: Reading = async (search, text) => {
  const node = isId(text) ? await ledgerOf(search).node(text) : undefined
  return node?.workspace === search.workspace.id ? node : undefined
}

/** Also one that is gone. */
const byEndpoint: Reading = async (search, name) => {
  for (const key of [keyOf.endpoint(name), keyOf.gone(name)]) {
    const held = await readRecord<EndpointRecord>(search.board.parts.ledger, key)
    if (held?.value.workspace === search.workspace.id) return revisionOf(search, held.value)
  }
  return undefined
}

const byDigest: Reading = async (search, text) =>
  isDigest(text) ? newest(search, { digest: text }) : undefined

const byCatalogue: Reading = (search, text) => {
  const kinds: readonly Sought[] = text === '@latest' ? ['model'] : ANYTHING
  // Parts of kits are found by what the ledger says now.
  const partOf = search.ledger === undefined ? search.board.parts.partOf : undefined
  return findEntity(ledgerOf(search), search.workspace, text, kinds, partOf)
}

/** Hyperparameters, a manifest, an environment. */
const byName: Reading = (search, name) => newest(search, { name })

const byJob: Reading = async (search, text) => {
  const { value } = await findJob(search.board, search.workspace, text)
  return ledgerOf(search).node(value.id)
}

const byPartOfEndpoint: Reading = async (search, text) =>
  revisionOf(search, await findEndpoint(search.board, search.workspace, text))

async function revisionOf(search: Search, { name, revision }: EndpointRecord) {
  const node = await ledgerOf(search).node(revision)
  if (node) return node
  if (search.ledger !== undefined) return undefined
  const why = 'has no provenance: its image is not built'
  throw new KaosError('JOB_RUNNING', `endpoint ${name} ${why}; see: kaos serve list`)
}

async function newest(
  search: Search,
  how: { readonly name: string } | { readonly digest: Digest },
): Promise<Node | undefined> {
  const { id, organisation } = search.workspace
  const [node] = await ledgerOf(search).nodes({ organisation, workspace: id, limit: 1, ...how })
  return node
}

function ledgerOf({ ledger, board }: Search): Ledger {
  return ledger ?? board.parts.ledger
}

function unlessMissing(error: unknown): undefined {
  if (MISSING.some(code => isKaosError(error, code))) return undefined
  throw error
}
