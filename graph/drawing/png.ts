/* SVG to PNG, for what shows neither PDF nor SVG: chats, tickets, slides. Twice the size of the screen,
 * less for a large drawing: a picture has an end, a drawing has none. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { KaosError } from '../../api/errors.ts'

const ZOOM = 2
/** Pixels of a picture; more makes it slow to paint and heavy to show. */
const PIXELS_MAX = 4_000_000
const POINT_TO_PIXEL = 4 / 3
const DEADLINE_MS = 10_000

/** Sources keep `.ts`, the package holds `.js`; the worker lies beside this file in both. */
const WORKER = new URL(
  `./png-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

export async function svgToPng(svg: string): Promise<Buffer> {
  const worker = new Worker(WORKER, { workerData: { svg: inLines(svg), zoom: zoomOf(svg) } })
  try {
    const [png] = await once(worker, 'message', { signal: AbortSignal.timeout(DEADLINE_MS) })
    return Buffer.from(png as Uint8Array)
  } catch (cause) {
    const message = 'the drawing could not be painted; ask for --format svg or pdf'
    throw new KaosError('INTERNAL', message, { cause })
  } finally {
    await worker.terminate()
  }
}

/** How much larger than the drawing says, so that a picture is sharp and not too large. */
export function zoomOf(svg: string): number {
  const [, width = '0', height = '0'] =
    /<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"/.exec(svg) ?? []
  const pixels = Number(width) * Number(height) * POINT_TO_PIXEL ** 2
  return pixels === 0 ? 1 : Math.min(ZOOM, Math.sqrt(PIXELS_MAX / pixels))
}

/** Pieces of one line (plain, then bold) stand one after the other: their faces are wider than those
 * that Graphviz measured, so the place that it gave the second is in the first. */
export function inLines(svg: string): string {
  return svg.replace(PIECES, pieces => {
    const open: { at: string; texts: string[] }[] = []
    for (const [, x = '', y = '', style = '', text = ''] of pieces.matchAll(PIECE)) {
      const last = open.at(-1)
      const piece = `<tspan${style}>${text}</tspan>`
      if (last !== undefined && last.at === y) last.texts.push(piece)
      else open.push({ at: y, texts: [`<text text-anchor="start" x="${x}" y="${y}">${piece}`] })
    }
    return open.map(({ texts }) => `${texts.join('')}</text>\n`).join('')
  })
}

const START = '<text text-anchor="start" x="([^"]*)" y="([^"]*)"([^>]*)>([^<]*)</text>\\n'
const PIECE = new RegExp(START, 'g')
const PIECES = new RegExp(`(?:${START}){2,}`, 'g')
