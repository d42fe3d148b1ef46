/* Canonical JSON (RFC 8785): one text for one value, so that a hash of the text is a hash of the
 * value. Members stand in the order of their UTF-16 code units, numbers and strings as ECMAScript
 * writes them, no white space. What JSON can not say is refused instead of quietly bent. */
import { KaosError } from './errors.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Deeper values are refused: reading them back would need as much stack as writing them. */
export const JSON_DEPTH_MAX = 100

/** The canonical text of a JSON value. */
export function canonical(value: Json): string {
  return textOf(value, 0)
}

function textOf(value: Json, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return stringOf(value)
  if (typeof value === 'number') return numberOf(value)
  if (typeof value !== 'object') throw refusal(`a ${typeof value} has no place in JSON`)
  if (depth === JSON_DEPTH_MAX) {
    throw new KaosError('JSON_TOO_DEEP', `JSON is nested in more than ${JSON_DEPTH_MAX} levels`)
  }
  if (Array.isArray(value)) return `[${value.map(one => textOf(one, depth + 1)).join(',')}]`
  if (!isPlain(value)) throw refusal(`an object of class ${classOf(value)} has no place in JSON`)
  const members = Object.keys(value).sort()
  return `{${members.map(key => `${stringOf(key)}:${textOf(value[key]!, depth + 1)}`).join(',')}}`
}

function stringOf(text: string): string {
  if (!text.isWellFormed()) throw refusal('a text holds half a surrogate pair; send valid Unicode')
  return JSON.stringify(text)
}

function numberOf(number: number): string {
  if (!Number.isFinite(number)) throw refusal(`${number} is no JSON number; send it as a text`)
  return JSON.stringify(number)
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function classOf(value: object): string {
  return value.constructor?.name ?? 'unknown'
}

function refusal(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}

/** The same value with every text valid Unicode: what a program wrote must not stop its outcome. */
export function wellFormed<T extends Json>(value: T): T {
  const of = (json: Json): Json => {
    if (typeof json === 'string') return json.toWellFormed()
    if (Array.isArray(json)) return json.map(of)
    if (typeof json !== 'object' || json === null) return json
    return Object.fromEntries(
      Object.entries(json).map(([key, one]) => [key.toWellFormed(), of(one)]),
    )
  }
  return of(value) as T
}
