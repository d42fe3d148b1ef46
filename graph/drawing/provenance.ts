/* The two drawings of the original kaos: how a model was trained, and what an endpoint serves. DOT,
 * top to bottom: repositories are grey cylinders, processes eggs, the endpoint a red egg. Along an
 * edge that leaves a repository stands, in blue at its tail, what was used, and in red which commit
 * of it. Node numbers are the original's, so that old readers of the DOT find what they look for. */
import { BODY, widthOf } from './fonts.ts'
import { html, linesOf, padded, printable, quoted } from './labels.ts'

/** A path inside a repository, as of one commit (32 hex digits). */
export interface Used {
  readonly path: string
  readonly commit: string
}

export interface TrainDrawing {
  readonly workspace: string
  readonly source: Used
  readonly image: Used
  readonly data: Used
  /** The grid point; absent when there was no grid. */
  readonly hyper?: Used
  readonly model: Used & { readonly id: string }
  readonly author: string
  /** RFC 3339 with zone; drawn in UTC. */
  readonly at: string
}

export interface ServeDrawing {
  readonly workspace: string
  /** Absent when the endpoint was deployed without a model. */
  readonly train?: TrainDrawing
  readonly source: Used
  readonly image: Used
  /** `path` is the model's id. */
  readonly model?: Used
  readonly endpoint: string
  /** `host/serve-…/invocations`. */
  readonly url: string
  readonly author: string
  readonly at: string
}

/** A model that was not trained here but pushed. */
export interface PushDrawing {
  readonly workspace: string
  /** What it was made from, by what its maker said. */
  readonly from: readonly (Used & { readonly repository: string })[]
  readonly model: Used & { readonly repository: string }
  readonly author: string
  readonly at: string
}

const NODE_PT = 12
const EDGE_PT = 8
/** Below the drawing is room for whole addresses. */
const CAPTION_LINE = 110
const POINTS_PER_INCH = 72
/** The text of an egg stands in its middle; the outline needs this much more. */
const EGG_STRETCH = 1.5
const NODE_MARGIN_PT = 20
export const REPOSITORY = 'shape=cylinder style=filled fillcolor=lightgrey color=slategrey'
export const PROCESS = 'shape=egg'
export const ENDPOINT = 'shape=egg style=filled fillcolor=indianred2 color=black'

/** DOT of one model's training. */
export function trainDot(drawing: TrainDrawing): string {
  const { model } = drawing
  const what = [...coloured('blue', model.path), ...coloured('red', model.commit)]
  return digraph(caption(what, 'Trained', drawing), trainParts(drawing))
}

/** DOT of one endpoint: its model's training where it has a model, then its own making. */
export function serveDot(drawing: ServeDrawing): string {
  const { workspace, train, source, image } = drawing
  const model = drawing.model ?? (train && { path: train.model.id, commit: train.model.commit })
  const parts = [
    ...(train ? trainParts(train) : []),
    ...(model && !train ? [node(6, `train-${workspace}`, REPOSITORY)] : []),
    node(7, `source-serve-${workspace}`, REPOSITORY),
    node(8, `build-serve-${workspace}`, PROCESS),
    node(9, `build-serve-${workspace}`, REPOSITORY),
    node(10, drawing.endpoint, PROCESS),
    node(11, 'endpoint', ENDPOINT),
    ...(model ? [used(6, 8, model)] : []),
    used(7, 8, source),
    '8 -> 9',
    used(9, 10, image),
    '10 -> 11',
  ]
  return digraph(caption(coloured('blue', drawing.url), 'Served', drawing), parts)
}

/** DOT of a model that was pushed: what it was made from, and the push. */
export function pushDot(drawing: PushDrawing): string {
  const { workspace, from, model } = drawing
  const sources = from.flatMap((one, at) => [
    node(at + 3, one.repository, REPOSITORY),
    used(at + 3, 1, one),
  ])
  const parts = [
    node(1, `push-${workspace}`, PROCESS),
    node(2, model.repository, REPOSITORY),
    ...sources,
    '1 -> 2',
  ]
  const what = [...coloured('blue', model.path), ...coloured('red', model.commit)]
  return digraph(caption(what, 'Pushed', drawing), parts)
}

function trainParts(drawing: TrainDrawing): string[] {
  const { workspace, hyper } = drawing
  return [
    node(1, `source-train-${workspace}`, REPOSITORY),
    node(2, `build-train-${workspace}`, PROCESS),
    node(3, `build-train-${workspace}`, REPOSITORY),
    node(4, `data-${workspace}`, REPOSITORY),
    node(5, `train-${workspace}`, PROCESS),
    node(6, `train-${workspace}`, REPOSITORY),
    ...(hyper ? [node(100, `hyper-${workspace}`, REPOSITORY)] : []),
    used(1, 2, drawing.source),
    '2 -> 3',
    used(4, 5, drawing.data),
    used(3, 5, drawing.image),
    '5 -> 6',
    ...(hyper ? [used(100, 5, hyper)] : []),
  ]
}

export function node(id: number, name: string, look: string): string {
  const lines = linesOf(printable(name))
  const text = Math.max(...lines.map(line => widthOf(line, BODY, NODE_PT)))
  const room = look === REPOSITORY ? text : text * EGG_STRETCH
  const inches = ((room + NODE_MARGIN_PT) / POINTS_PER_INCH).toFixed(3)
  return `${id} [label=${quoted(lines)} ${look} fontsize=${NODE_PT} width=${inches}]`
}

function used(from: number, to: number, { path, commit }: Used): string {
  const [tail, label] = [linesOf(printable(path)), linesOf(printable(commit))]
  const texts = `taillabel=${edgeText(tail)} label=${edgeText(label)}`
  const look = `fontsize=${EDGE_PT} fontcolor=red labelfontcolor=blue`
  // A path of many lines would run into the text along the edge: a longer edge has room for both.
  const room = tail.length > 1 ? ` minlen=${Math.ceil(tail.length / 2)}` : ''
  return `${from} -> ${to} [${texts} ${look}${room}]`
}

function edgeText(lines: readonly string[]): string {
  return quoted(lines.map(line => padded(line, EDGE_PT)))
}

function caption(what: readonly string[], verb: string, by: { author: string; at: string }) {
  return [
    ...what,
    '<font point-size="14"><br/><br/></font>',
    `<font point-size="14">${verb} model with <b>kaos</b></font><br/><br/>`,
    captionLine(html(printable(by.author)), 12),
    captionLine(html(printable(dateTime(by.at))), 12),
  ].join('')
}

function coloured(colour: string, text: string): string[] {
  return linesOf(printable(text), CAPTION_LINE).map(line =>
    captionLine(`<font color="${colour}"><b>${html(line)}</b></font>`, EDGE_PT),
  )
}

/** The larger blank gives the line a height that the letters of two lines do not meet in. */
function captionLine(text: string, sizePt: number): string {
  const blank = `<font point-size="${Math.ceil(sizePt * 1.2)}"> </font>`
  return `<font point-size="${sizePt}">${text}</font>${blank}<br/>`
}

/** `2019-07-29 13:20:22 UTC`; what is no time is shown as it came. */
function dateTime(at: string): string {
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return at
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function digraph(label: string, parts: readonly string[]): string {
  const graph = `graph [label=<${label}> compound=true overlap=false]`
  return `digraph {\n${[graph, ...parts].map(part => `  ${part}\n`).join('')}}\n`
}
