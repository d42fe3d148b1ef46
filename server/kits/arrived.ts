/* A ModelKit or ModelPack that is being pushed: its layers are unpacked, its parts become entities of
 * the workspace, in the commit that makes the artifact itself. */
import type { AboutChange } from '../../api/wire.ts'
import type { Json, Ledger } from '../../graph/ledger.ts'
import { planAbout } from '../catalogue/describe.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Additions, Arrival, Arrived } from '../registry/hooks.ts'
import type { Rooms } from '../rooms.ts'
import { metered } from '../transfer/quota.ts'
import { type Archive, stored, streamed } from './archive.ts'
import { inflated } from './inflate.ts'
import { jsonIn, type Kitfile, kitfileIn } from './kitfile.ts'
import { manifestIn, smallBlob } from './manifest.ts'
import { type Member, memberOf, membersOf, said } from './members.ts'
import { type NotedStore, notedStore } from './noted.ts'
import { type Form, formOf, type PackedLayer, packedLayers } from './packing.ts'
import { parentIn } from './parent.ts'
import { refused } from './refused.ts'
import { unitsOf } from './units.ts'
import { type Unpacked, unpackLayer } from './unpack.ts'
import { untar } from './untar.ts'

const CONFIG_MAX = 4 * 1024 * 1024
/** They are listed in one fact. */
const PARTS_MAX = 1000

type Parts = Pick<
  Rooms,
  'ledger' | 'store' | 'people' | 'intake' | 'space' | 'quotas' | 'now' | 'settings'
> & {
  /** Lets few at a time do what takes memory. */
  readonly lane: <T>(work: () => Promise<T>) => Promise<T>
}

export async function arrivedOf(parts: Parts, arrival: Arrival): Promise<Arrived | undefined> {
  const manifest = manifestIn(arrival.bytes)
  const form = manifest && formOf(manifest)
  if (!form) return undefined
  const config = await smallBlob(manifest.config, CONFIG_MAX, arrival.blob)
  const kitfile = form === 'modelkit' ? kitfileIn(config) : packageOf(config)
  const layers = packedLayers(form, manifest, config)
  const members = await parts.lane(() => unpackAll(parts, arrival, form, layers))
  return { plan: () => planned(parts, arrival, { form, kitfile, members }) }
}

/** One layer after the other: each may be large. What was sent counts for the workspace already; of a
 * compressed one also what it unpacks to. */
async function unpackAll(
  parts: Parts,
  arrival: Arrival,
  form: Form,
  layers: readonly PackedLayer[],
): Promise<Member[]> {
  const store = notedStore(parts, arrival.session)
  const from = { workspace: arrival.workspace.id }
  const unpacked: Unpacked[] = []
  for (const packed of layers) {
    const { kind, digest, compression } = packed
    const unpack = (archive: Archive) => unpackLayer(store, packed, archive)
    if (compression === 'none' && kind !== 'docs') {
      unpacked.push(await unpack(await plainLayer(store, arrival, digest)))
      continue
    }
    const source = inflated(arrival.blob(digest), compression)
    if (kind === 'docs') await look(packed, streamed(source))
    else unpacked.push(await metered(parts.quotas, source, from, body => unpack(streamed(body))))
  }
  const units = await unitsOf(store, form, unpacked)
  if (units.length > PARTS_MAX) throw refused(`it has over ${PARTS_MAX} parts`)
  const members: Member[] = []
  for (const unit of units) members.push(await memberOf(parts.store, unit))
  return members
}

async function plainLayer(store: NotedStore, arrival: Arrival, digest: string): Promise<Archive> {
  const file = arrival.files?.get(digest)
  return file ? stored(store, file) : streamed(arrival.blob(digest))
}

/** Documents become no entity, but what unpacks them must be safe as well. */
async function look({ raw }: PackedLayer, archive: Archive): Promise<void> {
  if (!raw) for await (const _ of untar(archive));
}

interface Kit {
  readonly form: Form
  readonly kitfile: Kitfile
  readonly members: readonly Member[]
}

async function planned(
  { ledger, settings }: Parts,
  arrival: Arrival,
  { form, kitfile, members }: Kit,
): Promise<Additions> {
  const { workspace, artifact, host } = arrival
  const { nodes, edges, expect, parts } = await membersOf(ledger, arrival, members)
  const described = await description(ledger, arrival, kitfile)
  const parent = await parentIn(ledger, workspace, kitfile, [host, hostOf(settings.publicUrl)])
  return {
    nodes,
    edges: parent
      ? [...edges, { from: artifact, relation: 'wasDerivedFrom', to: parent.id, role: 'model' }]
      : edges,
    moves: [],
    statements: described ? [described.statement] : [],
    expect: [...expect, ...(described?.expect ?? [])],
    records: [],
    attributes: { form, parts, ...said((kitfile.package ?? {}) as Record<string, Json>) },
    recipes: members.flatMap(({ unit: { recipe } }) => recipe ?? []),
  }
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).host
}

/** Name, description and licence, for a repository that has none yet. */
async function description(ledger: Ledger, arrival: Arrival, { package: pack }: Kitfile) {
  const { actor, workspace, repository } = arrival
  if (await pointerAt(ledger, pointerOf.about(workspace.id, repository))) return undefined
  const { name = '', description: text = '', license = '' } = pack ?? {}
  const change: AboutChange = {
    title: name.slice(0, 200),
    description: text.slice(0, 10_000),
    licence: license.slice(0, 200),
  }
  return planAbout(ledger, actor, workspace, repository, change)
}

/** What a ModelPack's config says, in the words of a Kitfile. */
function packageOf(config: Buffer): Kitfile {
  const value = jsonIn(config, 'the config')
  const { descriptor } = Object(value) as { descriptor?: unknown }
  const said = Object(descriptor) as Record<string, unknown>
  const text = (word: string) => (typeof said[word] === 'string' ? String(said[word]) : undefined)
  const licenses = Array.isArray(said.licenses) ? said.licenses.map(String).join(' AND ') : ''
  const name = text('title') ?? text('name')
  const description = text('description')
  const version = text('version')
  return {
    package: {
      ...(name && { name }),
      ...(version && { version }),
      ...(description && { description }),
      ...(licenses && { license: licenses }),
    },
  }
}
