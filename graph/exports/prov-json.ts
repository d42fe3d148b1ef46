/* A part of the graph as PROV-JSON (W3C member submission, 2013-04-24), which the Python package
 * `prov` and other tools read. Every element that a relation names is in the document, or the relation
 * is left out: what was cut off is not spoken of. */
import type { Edge, Graph, Json, Node, Relation } from '../ledger.ts'

type Value = Json
type Members = Record<string, Value>
export type ProvDocument = Record<string, Record<string, Members> | Record<string, string>>

const NAMESPACE = 'urn:kaos:'
const SECTIONS = { entity: 'entity', activity: 'activity', agent: 'agent' } as const

/** Names of the two ends of a relation, from and to. */
const ENDS = {
  used: ['prov:activity', 'prov:entity'],
  wasGeneratedBy: ['prov:entity', 'prov:activity'],
  wasDerivedFrom: ['prov:generatedEntity', 'prov:usedEntity'],
  wasAssociatedWith: ['prov:activity', 'prov:agent'],
  wasAttributedTo: ['prov:entity', 'prov:agent'],
  wasInformedBy: ['prov:informed', 'prov:informant'],
  hadMember: ['prov:collection', 'prov:entity'],
} as const satisfies Record<Relation, readonly [string, string]>

/** `installation`: the ledger's id, part of every name, so that documents can be put together. */
export function provJson(
  { nodes, edges }: Pick<Graph, 'nodes' | 'edges'>,
  installation: string,
): ProvDocument {
  const document: ProvDocument = { prefix: { kaos: `${NAMESPACE}${installation}:` } }
  for (const node of nodes)
    sectionIn(document, SECTIONS[node.class])[nameOf(node.id)] = elementOf(node)
  const there = new Set(nodes.map(node => node.id))
  edges.forEach((edge, i) => {
    if (!there.has(edge.from) || !there.has(edge.to)) return
    sectionIn(document, edge.relation)[`_:r${i}`] = relationOf(edge)
  })
  return document
}

function sectionIn(document: ProvDocument, name: string): Record<string, Members> {
  document[name] ??= {}
  return document[name] as Record<string, Members>
}

function nameOf(id: string): string {
  return `kaos:${id}`
}

function elementOf(node: Node): Members {
  const { startedAt, finishedAt, ...rest } = node.attributes
  const element: Members = {
    'prov:type': { $: `kaos:${node.kind}`, type: 'xsd:QName' },
    'kaos:recordedAt': { $: node.at, type: 'xsd:dateTime' },
    'kaos:statement': typed(node.seq),
  }
  if (node.name !== undefined) element['prov:label'] = node.name
  if (node.digest !== undefined) element['kaos:digest'] = node.digest
  if (node.workspace !== undefined) element['kaos:workspace'] = node.workspace
  if (node.class === 'activity') {
    if (isTime(startedAt)) element['prov:startTime'] = startedAt
    if (isTime(finishedAt)) element['prov:endTime'] = finishedAt
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value !== null) element[`kaos:${localName(key)}`] = typed(value)
  }
  return element
}

function relationOf({ from, relation, to, role }: Edge): Members {
  const [near, far] = ENDS[relation]
  return {
    [near]: nameOf(from),
    [far]: nameOf(to),
    ...(role === undefined || relation === 'hadMember' ? {} : { 'prov:role': role }),
  }
}

/** What XML Schema has no type for goes as JSON text. */
function typed(value: Json): Value {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    const whole = Number.isSafeInteger(value)
    return { $: String(value), type: whole ? 'xsd:long' : 'xsd:double' }
  }
  return JSON.stringify(value)
}

/** Letters, digits, `_`, `-` and `.`: what a qualified name may hold everywhere. */
function localName(key: string): string {
  return key.replace(/[^A-Za-z0-9_.-]/g, '_') || '_'
}

function isTime(value: Json | undefined): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
