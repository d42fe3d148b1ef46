/* What `npm run bench:graph -- …` may be told. */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import type { Neo4jPlace } from '../../graph/neo4j/connection.ts'

export interface Settings {
  /** Part of 1,030,000 nodes; a tenth of it stands beside for "ten times the graph". */
  readonly scale: number
  /** Of each question. */
  readonly targets: number
  /** Seconds that commits are counted. */
  readonly seconds: number
  /** Undefined: that peer is missing. */
  readonly neo4j: Neo4jPlace | undefined
  readonly sqlite: boolean
  /** Where graphs are made, and removed. */
  readonly work: string
  /** A folder: graphs stay there and in Neo4j, and a run that finds them does not load them again. */
  readonly keep: string | undefined
  /** Page whose marked place gets the tables. */
  readonly markdown: string | undefined
}

/** A minute with both back ends. */
const SMALL = 0.02

const OPTIONS = {
  small: { type: 'boolean' },
  scale: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  work: { type: 'string' },
  keep: { type: 'string' },
  markdown: { type: 'string' },
  'neo4j-url': { type: 'string' },
  'neo4j-user': { type: 'string' },
} as const

export function settingsOf(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true })
  const scale = Number(values.scale ?? (values.small ? SMALL : 1))
  if (!(scale >= SMALL && scale <= 1)) throw new Error(`--scale is a number from ${SMALL} to 1`)
  const seconds = Number(values.seconds ?? (values.small ? 2 : 10))
  if (!(seconds > 0)) throw new Error('--seconds is a number over 0')
  const only = values.only ?? 'both'
  if (!['sqlite', 'neo4j', 'both'].includes(only)) throw new Error('--only is sqlite or neo4j')
  const url = values['neo4j-url'] ?? env.KAOS_TEST_NEO4J_URL
  const user = values['neo4j-user'] ?? env.KAOS_TEST_NEO4J_USER ?? 'neo4j'
  const password = env.KAOS_TEST_NEO4J_PASSWORD ?? ''
  return {
    scale,
    targets: values.small ? 10 : 50,
    seconds,
    neo4j: url === undefined || only === 'sqlite' ? undefined : { url, user, password },
    sqlite: only !== 'neo4j',
    work: values.work ?? tmpdir(),
    keep: values.keep,
    markdown: values.markdown,
  }
}
