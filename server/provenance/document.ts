/* A part of the graph as a file: drawn, or as others read it. A model or an endpoint with the history
 * of one training keeps the look of the original; what is larger is drawn in few boxes. */
import { collapsed, type Format, lineageDot, render } from '../../graph/drawing/drawing.ts'
import { provJson } from '../../graph/exports/prov-json.ts'
import type { Graph, Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type EndpointRecord, keyOf } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { urlOf } from '../serve/view.ts'
import { nameOf } from './names.ts'
import { type Document, endpointProvenance, modelProvenance, svgDocument } from './provenance.ts'
import { type Asked, askedGraph, type Question } from './show.ts'

export type DocumentFormat = Format | 'json' | 'prov'

/** Things that a drawing counts. */
const DRAWN_MAX = 20_000
/** For Graphviz; the plain drawing comes after it, and all has to be there in three seconds. */
const LAYOUT_MS = 2000

export interface Named extends Document {
  /** To keep it under. */
  readonly name: string
}

/** `host`: as the caller reaches this server. */
export async function documentOf(
  board: Board,
  workspace: Workspace,
  question: Question & { readonly format: DocumentFormat },
  host: string,
): Promise<Named> {
  const { format } = question
  const asked = await askedGraph(board, workspace, {
    ...question,
    limit: question.limit ?? DRAWN_MAX,
  })
  const { of, direction, graph } = asked
  const name = `${fileName(await nameOf(board.parts, of))}-${direction}.${format}`
  if (format === 'json') return { name, type: 'application/json', body: JSON.stringify(graph) }
  if (format === 'prov') {
    const body = JSON.stringify(provJson(graph, board.parts.ledger.id))
    return { name, type: 'application/json', body }
  }
  const whole = question.depth === undefined && question.asOf === undefined
  const classic = whole ? await classicOf(board, workspace, asked, format, host) : undefined
  return { name, ...(classic ?? (await drawn(board, asked, format))) }
}

async function classicOf(
  board: Board,
  workspace: Workspace,
  { of, direction, graph }: Asked,
  format: Format,
  host: string,
): Promise<Document | undefined> {
  if (direction !== 'up' || !isOneTraining(graph)) return undefined
  const { parts } = board
  if (of.kind === 'model') return modelProvenance(parts, workspace, of, format)
  const endpoint = of.kind === 'revision' ? await endpointOf(board, of) : undefined
  if (!endpoint) return undefined
  const url = urlOf(endpoint.name, parts.settings.publicUrl, host)
  return endpointProvenance(parts, workspace, endpoint, url, format)
}

function isOneTraining({ nodes }: Graph): boolean {
  return nodes.filter(node => node.kind === 'trial').length < 2
}

async function endpointOf(
  { endpoints, parts }: Board,
  { name = '', id }: Node,
): Promise<EndpointRecord | undefined> {
  const gone = await readRecord<EndpointRecord>(parts.ledger, keyOf.gone(name))
  const endpoint = endpoints.get(name) ?? gone?.value
  return endpoint?.revision === id ? endpoint : undefined
}

async function drawn(
  { parts }: Board,
  { of, direction, graph }: Asked,
  format: Format,
): Promise<Document> {
  const picture = collapsed(graph, of.id, direction)
  const names = new Map<string, string>()
  for (const { node } of picture.boxes) names.set(node.id, await nameOf(parts, node))
  const things = graph.nodes.length - 1
  const { truncated } = graph
  const dot = lineageDot({ picture, start: of.id, direction, names, things, truncated })
  if (format === 'dot') return { type: 'text/vnd.graphviz; charset=utf-8', body: dot }
  const svg = await render(dot, { deadlineMs: LAYOUT_MS })
  return svgDocument(svg, format)
}

/** What every file system takes. */
function fileName(name: string): string {
  return name.replace(/[^\w.@:-]/g, '_').slice(0, 100)
}
