/* What a person should know of an entity whose bytes are lost: its names, the jobs and endpoints that
 * stand on it, and what brings the bytes back. */
import type { Affected } from '../../api/wire.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { EndpointRecord } from '../jobs/records.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import { workspaceNames } from './workspace-names.ts'

/** Jobs, names and endpoints told of each. */
const NAMED = 10
const PAGE = 1000

export async function describeAffected(
  parts: Pick<Rooms, 'ledger'>,
  nodes: readonly Node[],
): Promise<Affected[]> {
  if (nodes.length === 0) return []
  const { ledger } = parts
  const nameOf = await workspaceNames(parts)
  const ids = new Set(nodes.map(node => node.id))
  const places = await placesOf(ledger, ids)
  const endpoints = await endpointsOf(ledger, ids)
  const described: Affected[] = []
  for (const node of nodes) {
    described.push({
      entity: node.id,
      kind: node.kind,
      name: node.name ?? node.id,
      workspace: nameOf(node.workspace ?? null),
      places: (places.get(node.id) ?? []).slice(0, NAMED),
      jobs: await jobsOf(ledger, node.id),
      endpoints: (endpoints.get(node.id) ?? []).slice(0, NAMED),
      heal: healing(node),
    })
  }
  return described
}

/** Versions and tags that stand at them, as they are typed. */
async function placesOf(ledger: Ledger, ids: ReadonlySet<string>): Promise<Map<string, string[]>> {
  const places = new Map<string, string[]>()
  for (const kind of ['version', 'tag'] as const) {
    for (let after: string | undefined; ; ) {
      const page = await ledger.pointers(`${kind}/`, { limit: PAGE, ...(after && { after }) })
      for (const { name, target } of page) {
        if (!ids.has(target)) continue
        const [, , ...rest] = name.split('/')
        const last = rest.pop() ?? ''
        const place = kind === 'tag' ? last : `v${Number(last)}`
        places.set(target, [...(places.get(target) ?? []), `${rest.join('/')}@${place}`])
      }
      if (page.length < PAGE) break
      after = page.at(-1)?.name
    }
  }
  return places
}

async function endpointsOf(
  ledger: Ledger,
  ids: ReadonlySet<string>,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for await (const { value } of recordsBelow(ledger, 'endpoint/')) {
    const { name, source, model, image } = value as unknown as EndpointRecord
    for (const id of [source, model?.entity, image]) {
      if (id && ids.has(id)) found.set(id, [...(found.get(id) ?? []), name])
    }
  }
  return found
}

/** Those that used it, and the one that made it. */
async function jobsOf(ledger: Ledger, entity: string): Promise<string[]> {
  const near = { depth: 1, limit: PAGE }
  const [down, up] = await Promise.all([
    ledger.lineage(entity, { ...near, direction: 'down', relations: ['used'] }),
    ledger.lineage(entity, { ...near, direction: 'up', relations: ['wasGeneratedBy'] }),
  ])
  const activities = [...down.nodes, ...up.nodes].filter(node => node.class === 'activity')
  const jobs = activities.flatMap(({ id, kind, attributes }) => {
    if (kind === 'trial') return [String(attributes.job)]
    return kind === 'train' || kind === 'replay' || kind === 'build' ? [id] : []
  })
  return [...new Set(jobs)].slice(0, NAMED)
}

function healing({ kind, attributes }: Node): string {
  const { folder, job } = attributes
  if (kind === 'source') return `deploy the folder ${text(folder)} again`
  if (kind === 'data')
    return `push the folder ${text(folder)} again: kaos data push ${text(folder)}`
  if (kind === 'model' && job !== undefined) {
    return `push a copy of it (kaos model push DIR), as kaos train get -j ${text(job)} -m made one`
  }
  if (kind === 'model') return `push its folder again: kaos model push ${text(folder ?? 'DIR')}`
  if (kind === 'artifact') return 'push it again with the tool that pushed it'
  if (kind === 'image') return 'deploy its source again with --again, so that it is built anew'
  return 'nothing brings it back; to say so and go on: kaos admin purge'
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : 'DIR'
}
