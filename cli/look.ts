/* Words and marks in the original's look. Colours only on a terminal, and never with NO_COLOR. */
import type { WriteStream } from 'node:tty'
import { environment } from './config.ts'

export const DONE = '\u2714'
export const ABSENT = '\u2717'
export const IN_PROGRESS = '\u2A02'

const CODES = {
  bold: [1, 22],
  underline: [4, 24],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
} as const
export type Paint = keyof typeof CODES

export type Stream = Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number }

export function painted(text: string, stream: Stream, ...paints: Paint[]): string {
  if (stream.isTTY !== true || !environment().colour) return text
  return paints.reduce((inner, paint) => {
    const [on, off] = CODES[paint]
    return `\x1b[${on}m${inner}\x1b[${off}m`
  }, text)
}

const WORDS = { Info: 'green', Warning: 'yellow', Error: 'red', Aborting: 'red' } as const

/** `Info - text`, always one line. */
export function sentence(word: keyof typeof WORDS, text: string, stream: Stream): string {
  const line = text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/\p{Cc}/gu, '\u{FFFD}')
  return `${painted(word, stream, 'bold', WORDS[word])} - ${line}`
}
