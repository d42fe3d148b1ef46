/* Reads the SVG that Graphviz and the plain drawing write: g with one transform, polygon, polyline,
 * path, ellipse, text and a; coordinates are points. Nothing else is drawn, so a foreign SVG gives
 * less than it shows, never something else. */
import { decodeEntities } from './entities.ts'
import type { Style } from './fonts.ts'

export interface Paint {
  /** Colour names or `#rrggbb`; absent: not painted. */
  readonly fill?: string
  readonly stroke?: string
  readonly strokeWidth: number
  readonly dash?: readonly number[]
  readonly fillOpacity: number
  readonly strokeOpacity: number
}

export interface Text {
  readonly kind: 'text'
  readonly text: string
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'middle' | 'end'
  readonly sizePt: number
  readonly style: Style
}

export type Point = readonly [number, number]
/** One `a` element; two of them with the same target are two. */
export interface Link {
  readonly target: string
}

export type Shape = { readonly paint: Paint; readonly link?: Link } & (
  | Text
  | { readonly kind: 'path'; readonly d: string }
  | { readonly kind: 'polygon' | 'polyline'; readonly points: readonly Point[] }
  | { readonly kind: 'ellipse'; readonly x: number; readonly y: number; readonly radii: Point }
)

export interface Picture {
  readonly width: number
  readonly height: number
  /** Applied to all shapes: scale, then this shift. */
  readonly shift: Point
  readonly scale: number
  readonly shapes: readonly Shape[]
}

type Attributes = { readonly [name: string]: string | undefined }

const TAG = /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>([^<]*)/gi
const ATTRIBUTE = /([\w:-]+)="([^"]*)"/g
const LINK = /^https?:\/\//i

export function readSvg(svg: string): Picture {
  let picture = { width: 0, height: 0, shift: [0, 0] as Point, scale: 1 }
  const shapes: Shape[] = []
  let link: Link | undefined
  for (const [, end, tag, rest, , text] of svg.matchAll(TAG)) {
    if (end === '/') {
      if (tag === 'a') link = undefined
      continue
    }
    const attributes = attributesOf(rest ?? '')
    if (tag === 'svg') picture = { ...picture, ...sizeOf(attributes) }
    if (tag === 'a') link = linkOf(attributes)
    if (tag === 'g' && attributes.transform) picture = { ...picture, ...placeOf(attributes) }
    const shape = shapeOf(tag ?? '', attributes, text ?? '')
    if (shape) shapes.push(link === undefined ? shape : { ...shape, link })
  }
  return { ...picture, shapes }
}

function attributesOf(source: string): Attributes {
  const pairs = [...source.matchAll(ATTRIBUTE)]
  return Object.fromEntries(pairs.map(([, name, value]) => [name, decodeEntities(value ?? '')]))
}

function sizeOf(attributes: Attributes): { width: number; height: number } {
  const [, , width = 0, height = 0] = numbersOf(attributes.viewBox)
  return { width, height }
}

function placeOf(attributes: Attributes): { shift: Point; scale: number } {
  const numbers = (name: string) =>
    numbersOf(new RegExp(`${name}\\(([^)]*)\\)`).exec(attributes.transform ?? '')?.[1])
  const [x = 0, y = 0] = numbers('translate')
  return { shift: [x, y], scale: numbers('scale')[0] ?? 1 }
}

/** Only addresses of web pages: a drawing must not carry anything that runs. */
function linkOf(attributes: Attributes): Link | undefined {
  const target = attributes['xlink:href'] ?? attributes.href ?? ''
  return LINK.test(target) ? { target } : undefined
}

function shapeOf(tag: string, attributes: Attributes, text: string): Shape | undefined {
  const paint = paintOf(tag, attributes)
  const at = (name: string) => Number(attributes[name] ?? 0)
  if (tag === 'path') return { kind: 'path', d: attributes.d ?? '', paint }
  if (tag === 'ellipse') {
    return { kind: 'ellipse', x: at('cx'), y: at('cy'), radii: [at('rx'), at('ry')], paint }
  }
  if (tag === 'polygon' || tag === 'polyline') {
    return { kind: tag, points: pointsOf(numbersOf(attributes.points)), paint }
  }
  if (tag !== 'text') return undefined
  const anchor = attributes['text-anchor']
  return {
    kind: 'text',
    text: decodeEntities(text).replaceAll('\u00a0', ' '),
    x: at('x'),
    y: at('y'),
    anchor: anchor === 'middle' || anchor === 'end' ? anchor : 'start',
    sizePt: Number.parseFloat(attributes['font-size'] ?? '14'),
    style: styleOf(attributes),
    paint,
  }
}

function paintOf(tag: string, attributes: Attributes): Paint {
  const colour = (value: string | undefined) =>
    value === undefined || value === 'none' || value === 'transparent' ? undefined : value
  const fill = colour(attributes.fill ?? 'black')
  const stroke = tag === 'text' ? undefined : colour(attributes.stroke)
  const dash = numbersOf(attributes['stroke-dasharray'])
  return {
    ...(fill === undefined ? {} : { fill }),
    ...(stroke === undefined ? {} : { stroke }),
    ...(dash.length === 0 ? {} : { dash }),
    strokeWidth: Number(attributes['stroke-width'] ?? 1),
    fillOpacity: Number(attributes['fill-opacity'] ?? 1),
    strokeOpacity: Number(attributes['stroke-opacity'] ?? 1),
  }
}

function styleOf(attributes: Attributes): Style {
  const name = attributes['font-family'] ?? ''
  const mono = /mono|courier|consolas/i.test(name)
  const sans = /sans|helvetica|arial|verdana/i.test(name)
  return {
    family: mono ? 'mono' : sans ? 'sans' : 'serif',
    bold: attributes['font-weight'] === 'bold',
    italic: /italic|oblique/.test(attributes['font-style'] ?? ''),
  }
}

/** All numbers in a text of coordinates, in order. */
export function numbersOf(text: string | undefined): number[] {
  return (text?.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/gi) ?? []).map(Number)
}

export function pointsOf(values: readonly number[]): Point[] {
  return values.flatMap((x, i): Point[] => (i % 2 ? [] : [[x, values[i + 1] ?? 0]]))
}
