/* The settings that put the ledger into Neo4j: all of them, or none. */
import { KaosError } from '../../api/errors.ts'
import type { Settings } from '../parts.ts'
import { fileAt, textAt } from './readers.ts'

export const NEO4J_SOURCES = {
  neo4jUrl: {
    variable: 'KAOS_NEO4J_URL',
    allowed: 'bolt://, neo4j://, bolt+s:// or neo4j+s:// and a place',
    read: (value: string) =>
      /^(bolt|neo4j)(\+ssc?)?:\/\/[^/]+\/?$/.test(value) ? value : undefined,
  },
  neo4jUser: textAt('KAOS_NEO4J_USER', 'a name'),
  neo4jPassword: textAt('KAOS_NEO4J_PASSWORD'),
  neo4jPasswordFile: fileAt('KAOS_NEO4J_PASSWORD_FILE'),
  neo4jDatabase: textAt('KAOS_NEO4J_DATABASE', 'a name'),
} as const

type Given = Record<'url' | 'user' | 'password' | 'database', string | undefined>

/** CONFIGURATION, naming what is missing, for half a set. */
export function neo4jOf(given: Given): Settings['neo4j'] {
  const { url, user, password, database } = given
  if (url === undefined) {
    if (user === undefined && password === undefined && database === undefined) return undefined
    throw new KaosError(
      'CONFIGURATION',
      'KAOS_NEO4J_USER, _PASSWORD and _DATABASE are of no use without KAOS_NEO4J_URL',
    )
  }
  if (password === undefined) {
    throw new KaosError(
      'CONFIGURATION',
      'KAOS_NEO4J_URL needs KAOS_NEO4J_PASSWORD or KAOS_NEO4J_PASSWORD_FILE',
    )
  }
  return { url, user: user ?? 'neo4j', password, ...(database && { database }) }
}
