/* Provenance to hand out: as a drawing (PDF, SVG, its DOT), or as the graph itself in JSON. */
import { KaosError } from '../../api/errors.ts'
import {
  type Format,
  pushDot,
  render,
  type ServeDrawing,
  serveDot,
  svgToPdf,
  svgToPng,
  trainDot,
} from '../../graph/drawing/drawing.ts'
import type { Graph, Node } from '../../graph/ledger.ts'
import type { EndpointRecord } from '../jobs/records.ts'
import type { Parts, Workspace } from '../parts.ts'
import { isTrained, pushDrawing } from './push.ts'
import { bundle, trainDrawing, upstream } from './train.ts'

export type ProvenanceFormat = Format | 'json'

export interface Document {
  readonly type: string
  readonly body: Buffer | string
}

const TYPES = {
  pdf: 'application/pdf',
  svg: 'image/svg+xml',
  png: 'image/png',
  dot: 'text/vnd.graphviz; charset=utf-8',
  json: 'application/json',
} as const

export async function modelProvenance(
  parts: Parts,
  workspace: Workspace,
  model: Node,
  format: ProvenanceFormat,
): Promise<Document> {
  const graph = await parts.ledger.lineage(model.id, { direction: 'up' })
  if (format === 'json') return json(graph)
  if (!isTrained(graph, model)) {
    return drawn(pushDot(await pushDrawing(parts, workspace, graph, model)), format)
  }
  return drawn(trainDot(await trainDrawing(parts, workspace.name, graph, model)), format)
}

export async function endpointProvenance(
  parts: Parts,
  workspace: Workspace,
  endpoint: EndpointRecord,
  url: string,
  format: ProvenanceFormat,
): Promise<Document> {
  const graph = await parts.ledger.lineage(endpoint.revision, { direction: 'up' })
  if (graph.nodes.length === 0) throw notBuilt(endpoint)
  if (format === 'json') return json(graph)
  return drawn(serveDot(await serveDrawing(parts, workspace, graph, endpoint, url)), format)
}

async function serveDrawing(
  parts: Parts,
  workspace: Workspace,
  graph: Graph,
  endpoint: EndpointRecord,
  url: string,
): Promise<ServeDrawing> {
  const deployment = upstream(graph, endpoint.revision, 'wasGeneratedBy')
  const image = upstream(graph, deployment.id, 'used', 'image')
  const build = upstream(graph, image.id, 'wasGeneratedBy')
  const source = upstream(graph, build.id, 'used', 'code')
  const model = endpoint.model && graph.nodes.find(node => node.id === endpoint.model?.entity)
  const revision = graph.nodes.find(node => node.id === endpoint.revision)
  return {
    workspace: workspace.name,
    ...(model
      ? {
          ...(isTrained(graph, model) && {
            train: await trainDrawing(parts, workspace.name, graph, model),
          }),
          model: { path: model.name!, commit: model.id },
        }
      : {}),
    source: bundle(source),
    image: bundle(image),
    endpoint: endpoint.name,
    url,
    author: await parts.people.nameOf(endpoint.author),
    at: revision?.at ?? endpoint.createdAt,
  }
}

async function drawn(dot: string, format: Format): Promise<Document> {
  if (format === 'dot') return { type: TYPES.dot, body: dot }
  return svgDocument(await render(dot), format)
}

/** The drawing in its form. */
export async function svgDocument(svg: string, format: Exclude<Format, 'dot'>): Promise<Document> {
  const type = TYPES[format]
  if (format === 'svg') return { type, body: svg }
  return { type, body: Buffer.from(await (format === 'png' ? svgToPng(svg) : svgToPdf(svg))) }
}

/** The W3C's words for the three kinds of thing and their relations, as the ledger keeps them. */
function json({ nodes, edges, truncated }: Graph): Document {
  return { type: TYPES.json, body: JSON.stringify({ nodes, edges, truncated }) }
}

function notBuilt(endpoint: EndpointRecord): KaosError {
  if (endpoint.state === 'PIPELINE_STARTING') {
    const what = `endpoint ${endpoint.name} has no provenance yet: its image is being built`
    return new KaosError('JOB_RUNNING', `${what}; see: kaos serve list`)
  }
  const reason = endpoint.reason ?? 'it was killed before that'
  const what = `endpoint ${endpoint.name} has no provenance: it never served (${reason})`
  return new KaosError('ENDPOINT_NOT_FOUND', what)
}
