/* Readers of settings: from what was given to a value, or undefined for what is not allowed. */
import { readFileSync } from 'node:fs'

export const whole = (from: number, to: number) => (text: string) => {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return number >= from && number <= to ? number : undefined
}

export const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (text: string) =>
    words.find(word => word === text)

/** A setting that is any text. */
export const textAt = (variable: string, allowed = 'a text') => ({
  variable,
  allowed,
  read: (text: string) => text,
})

/** A setting that names a file and is what that holds, without the line end that editors add. */
export const fileAt = (variable: string) => ({
  variable,
  allowed: 'a file that can be read',
  read: contentOf,
})

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch {
    return undefined
  }
}
