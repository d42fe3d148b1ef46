/* A part of the graph of any size as DOT, in the look of the two drawings of the original: what is kept
 * is a grey cylinder, what was done an egg, what serves a red one; inputs stand above what was made of
 * them. */

import type { Box, Picture } from './collapse.ts'
import { html, printable } from './labels.ts'
import { digraph, ENDPOINT, node, PROCESS, REPOSITORY } from './provenance.ts'

export interface LineageDrawing {
  readonly picture: Picture
  /** Where it begins. */
  readonly start: string
  readonly direction: 'up' | 'down'
  /** As people call the things that boxes stand for, by id. */
  readonly names: ReadonlyMap<string, string>
  /** Of the graph that was looked at. */
  readonly things: number
  /** There was more. */
  readonly truncated: boolean
}

const BEYOND = 0
const ENDS: Record<string, string> = { JOB_FAILURE: 'failed ', JOB_KILLED: 'killed ' }

type Names = ReadonlyMap<string, string>

export function lineageDot(drawing: LineageDrawing): string {
  const { picture, start, direction, names } = drawing
  const numbers = new Map(picture.boxes.map((box, at) => [box.id, at + 1]))
  const arrows = picture.arrows.map(({ from, to }) => `${numbers.get(from)} -> ${numbers.get(to)}`)
  const boxes = picture.boxes.map(box => {
    const look = `${lookOf(box)}${box.id === start ? ' penwidth=2.5' : ''}`
    return node(numbers.get(box.id)!, labelOf(box, names), look)
  })
  return digraph(captionOf(drawing), [...boxes, ...arrows, ...beyond(picture, direction, numbers)])
}

function labelOf({ node: { id, kind, attributes }, count }: Box, names: Names): string {
  const ended = ENDS[String(attributes.state)] ?? ''
  if (count > 1) return `${ended}${kind} \u00d7${count.toLocaleString('en')}`
  const name = names.get(id)
  // An id tells people nothing in a picture; the text forms have it.
  return ended + (name === undefined || name === id ? kind : `${kind} ${name}`)
}

function lookOf({ node: { class: is, kind } }: Box): string {
  if (kind === 'revision' || kind === 'endpoint') return ENDPOINT
  return is === 'activity' ? PROCESS : REPOSITORY
}

function beyond(
  { beyond: { count, next } }: Picture,
  direction: 'up' | 'down',
  numbers: ReadonlyMap<string, number>,
): string[] {
  if (count === 0) return []
  const text = `${count.toLocaleString('en')} more, further away`
  const arrows = next.map(id => {
    const ends = direction === 'up' ? [BEYOND, numbers.get(id)] : [numbers.get(id), BEYOND]
    return `${ends.join(' -> ')} [style=dashed]`
  })
  return [node(BEYOND, text, 'shape=box style=dashed'), ...arrows]
}

function captionOf({ picture, start, direction, names, things, truncated }: LineageDrawing) {
  const box = picture.boxes.find(one => one.id === start)
  const name = names.get(start) ?? start
  const title = `${box?.node.kind ?? ''} ${name}`.trim()
  const what = direction === 'up' ? 'What it came from' : 'What came from it'
  const amount = `${things.toLocaleString('en')} things${truncated ? ', the nearest' : ''}`
  return [
    `<font point-size="10" color="blue"><b>${html(printable(title))}</b></font><br/>`,
    `<font point-size="12">${what}: ${amount}, drawn with <b>kaos</b></font><br/>`,
  ].join('')
}
