/* Reads from a TrueType file the two things a layout needs before anything is drawn: which
 * characters the font has, and how wide they are. The tables are those of the OpenType
 * specification: `cmap` (formats 4 and 12), `hmtx`, `hhea`, `head`. Left out: kerning and shaping,
 * which change a label's width by less than the margins around it. */
import { readFileSync } from 'node:fs'

export interface Face {
  readonly file: string
  covers(codePoint: number): boolean
  /** Width of the character in em; that of a missing one is the width of the empty box. */
  advance(codePoint: number): number
}

/** Reads the font file once and keeps what it found. */
export function readFace(file: string): Face {
  const bytes = readFileSync(file)
  const glyphOf = readCmap(bytes, tableAt(bytes, 'cmap'))
  const unitsPerEm = bytes.readUInt16BE(tableAt(bytes, 'head') + 18)
  const metrics = bytes.readUInt16BE(tableAt(bytes, 'hhea') + 34)
  const hmtx = tableAt(bytes, 'hmtx')
  return {
    file,
    covers: codePoint => (glyphOf.get(codePoint) ?? 0) !== 0,
    advance: codePoint => {
      const glyph = Math.min(glyphOf.get(codePoint) ?? 0, metrics - 1)
      return bytes.readUInt16BE(hmtx + 4 * glyph) / unitsPerEm
    },
  }
}

function tableAt(bytes: Buffer, tag: string): number {
  const count = bytes.readUInt16BE(4)
  for (let i = 0; i < count; i++) {
    const entry = 12 + 16 * i
    if (bytes.toString('latin1', entry, entry + 4) === tag) return bytes.readUInt32BE(entry + 8)
  }
  throw new Error(`the font has no ${tag} table`)
}

/** Every Unicode subtable adds what it knows; format 12 also knows what lies beyond U+FFFF. */
function readCmap(bytes: Buffer, cmap: number): Map<number, number> {
  const glyphs = new Map<number, number>()
  const count = bytes.readUInt16BE(cmap + 2)
  for (let i = 0; i < count; i++) {
    const platform = bytes.readUInt16BE(cmap + 4 + 8 * i)
    const at = cmap + bytes.readUInt32BE(cmap + 8 + 8 * i)
    const format = bytes.readUInt16BE(at)
    if (platform !== 0 && platform !== 3) continue
    if (format === 4) readFormat4(bytes, at, glyphs)
    if (format === 12) readFormat12(bytes, at, glyphs)
  }
  return glyphs
}

function readFormat4(bytes: Buffer, at: number, glyphs: Map<number, number>): void {
  const span = bytes.readUInt16BE(at + 6)
  for (let i = 0; i < span; i += 2) {
    const end = bytes.readUInt16BE(at + 14 + i)
    const start = bytes.readUInt16BE(at + 16 + span + i)
    const delta = bytes.readUInt16BE(at + 16 + 2 * span + i)
    const rangeAt = at + 16 + 3 * span + i
    const range = bytes.readUInt16BE(rangeAt)
    for (let code = start; code <= end && code < 0xffff; code++) {
      const raw = range === 0 ? code : bytes.readUInt16BE(rangeAt + range + 2 * (code - start))
      if (raw !== 0) glyphs.set(code, (raw + delta) & 0xffff)
    }
  }
}

function readFormat12(bytes: Buffer, at: number, glyphs: Map<number, number>): void {
  const groups = bytes.readUInt32BE(at + 12)
  for (let i = 0; i < groups; i++) {
    const group = at + 16 + 12 * i
    const start = bytes.readUInt32BE(group)
    const end = bytes.readUInt32BE(group + 4)
    const first = bytes.readUInt32BE(group + 8)
    for (let code = start; code <= end; code++) glyphs.set(code, first + code - start)
  }
}
