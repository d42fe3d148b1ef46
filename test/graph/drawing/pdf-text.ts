/* Reads back from a PDF what a viewer would find in it: the text by way of each font's ToUnicode
 * map, the embedded fonts, the links. It understands the PDFs that pdfkit writes, no others. */
import { inflateSync } from 'node:zlib'

export interface PdfContent {
  readonly text: string
  readonly fonts: readonly string[]
  readonly links: readonly string[]
}

export function readPdf(pdf: Buffer): PdfContent {
  const objects = new Map<string, string>()
  const source = pdf.toString('latin1')
  for (const [, id, body] of source.matchAll(/(\d+) 0 obj\n(.*?)\nendobj/gs)) {
    objects.set(id!, body!)
  }
  const fonts = [...source.matchAll(/\/FontName \/\w+\+([\w-]+)/g)].map(match => match[1]!)
  const embedded = [...source.matchAll(/\/FontFile2 \d+ 0 R/g)].length
  if (embedded !== fonts.length) throw new Error('a font is named but not embedded')
  const page = [...objects.values()].find(body => body.includes('/Type /Page\n'))!
  const resources = objects.get(referenceIn(page, 'Resources'))!
  const content = streamOf(objects.get(referenceIn(page, 'Contents'))!)
  const links = [...source.matchAll(/\/URI \((.*?)\)/g)].map(match => match[1]!)
  return { text: textOf(content, mapsOf(resources, objects)), fonts, links }
}

function referenceIn(body: string, key: string): string {
  return new RegExp(`/${key} (\\d+) 0 R`).exec(body)![1]!
}

function streamOf(body: string): string {
  const data = body.slice(body.indexOf('stream\n') + 7, body.lastIndexOf('\nendstream'))
  return inflateSync(Buffer.from(data, 'latin1')).toString('latin1')
}

/** For each font name of the page: from glyph to characters. */
function mapsOf(resources: string, objects: Map<string, string>): Map<string, string[]> {
  const fonts = [...resources.matchAll(/\/(F\d+) (\d+) 0 R/g)]
  return new Map(
    fonts.map(([, name, id]) => {
      const cmap = streamOf(objects.get(referenceIn(objects.get(id!)!, 'ToUnicode'))!)
      const glyphs: string[] = []
      for (const [, from, , list] of cmap.matchAll(/<(\w+)> <(\w+)> \[(.*?)\]/g)) {
        const start = Number.parseInt(from!, 16)
        for (const [i, [, codes]] of [...list!.matchAll(/<([\w ]+)>/g)].entries()) {
          glyphs[start + i] = Buffer.from(codes!.replaceAll(' ', ''), 'hex')
            .swap16()
            .toString('utf16le')
        }
      }
      return [name!, glyphs]
    }),
  )
}

function textOf(content: string, maps: Map<string, string[]>): string {
  let text = ''
  let glyphs: string[] = []
  for (const [, font, shown] of content.matchAll(/\/(F\d+) [\d.]+ Tf|\[(.*?)\] TJ/g)) {
    if (font !== undefined) glyphs = maps.get(font)!
    if (shown === undefined) continue
    for (const [, codes] of shown.matchAll(/<(\w+)>/g)) {
      for (const code of codes!.match(/.{4}/g)!) text += glyphs[Number.parseInt(code, 16)] ?? '?'
    }
    text += '\n'
  }
  return text
}
