/* Reads of a Dockerfile what kaos must know before the engine builds it: which images it starts
 * from, which build arguments it declares, whether it asks for a front end of its own. The engine
 * parses it again and has the last word; what is not understood here is passed over. */

export interface Dockerfile {
  /** Value of a `# syntax=` line. */
  readonly syntax?: string
  /** Images from outside, with build arguments filled in; no stages, no `scratch`. */
  readonly bases: readonly string[]
  /** A FROM line whose image only the engine could work out. */
  readonly unclear?: string
  /** Names of all declared build arguments. */
  readonly declared: ReadonlySet<string>
}

/** Arguments that every build has without declaring them. */
const PREDEFINED = /^(HTTP|HTTPS|FTP|NO|ALL)_PROXY$/i
const IMAGE = /^[\w./:@-]+$/
const DIRECTIVE = /^#\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/
const VARIABLE = /\\\$|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g

export function readDockerfile(
  text: string,
  buildArgs: Readonly<Record<string, string>> = {},
): Dockerfile {
  const directives = directivesOf(text)
  const stages = new Set<string>()
  const bases = new Set<string>()
  let unclear: string | undefined
  const declared = new Set<string>()
  const values = new Map<string, string>()
  let inStage = false
  for (const { word, rest } of instructionsOf(text, directives.get('escape') ?? '\\')) {
    if (word === 'ARG') {
      for (const [name, value] of argumentsOf(rest)) {
        declared.add(name)
        const given = buildArgs[name] ?? value
        // Only arguments before the first FROM are seen by FROM lines.
        if (!inStage && given !== undefined) values.set(name, filled(given, values))
      }
    } else if (word === 'FROM') {
      inStage = true
      const [image, as, name] = rest.split(/\s+/).filter(part => !part.startsWith('--'))
      const base = filled(image ?? '', values)
      if (!IMAGE.test(base)) unclear ??= `FROM ${rest}`
      else if (base !== 'scratch' && !stages.has(base.toLowerCase())) bases.add(base)
      if (as?.toUpperCase() === 'AS' && name !== undefined) stages.add(name.toLowerCase())
    } else if (word === 'COPY') {
      const from = /(?:^|\s)--from=(\S+)/.exec(rest)?.[1]?.replace(/["'\\]/g, '')
      if (from !== undefined && !/^\d+$/.test(from) && !stages.has(from.toLowerCase())) {
        bases.add(from)
      }
    }
  }
  const syntax = directives.get('syntax')
  return {
    ...(syntax === undefined ? {} : { syntax }),
    ...(unclear === undefined ? {} : { unclear }),
    bases: [...bases],
    declared,
  }
}

/** The given build arguments that the Dockerfile does not declare. */
export function undeclared(file: Dockerfile, buildArgs: Readonly<Record<string, string>>) {
  return Object.keys(buildArgs).filter(name => !file.declared.has(name) && !PREDEFINED.test(name))
}

/** Parser directives stand in the first lines only, before any other comment or instruction. */
function directivesOf(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const match = DIRECTIVE.exec(line.trim())
    if (match === null) break
    found.set(match[1]!.toLowerCase(), match[2]!)
  }
  return found
}

/** Instructions on one line each: a line that ends in `joiner` goes on with the next one that is
 * neither empty nor a comment. */
function* instructionsOf(text: string, joiner: string): Generator<{ word: string; rest: string }> {
  let begun = ''
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    if (line.endsWith(joiner)) {
      begun += `${line.slice(0, -joiner.length)} `
      continue
    }
    yield* instructionOf(begun + line)
    begun = ''
  }
  yield* instructionOf(begun)
}

function* instructionOf(line: string): Generator<{ word: string; rest: string }> {
  const [, word, rest] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/.exec(line) ?? []
  if (word === undefined || rest === undefined) return
  // A later stage that starts from this one runs it.
  if (word.toUpperCase() === 'ONBUILD') yield* instructionOf(rest)
  else yield { word: word.toUpperCase(), rest }
}

/** `A=1 B="two" C` */
function argumentsOf(rest: string): [string, string | undefined][] {
  const parts = rest.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? []
  return parts.map(part => {
    const at = part.indexOf('=')
    if (at < 0) return [part, undefined]
    return [part.slice(0, at), part.slice(at + 1).replace(/^(["'])(.*)\1$/, '$2')]
  })
}

function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text
    .replace(/^(["'])(.*)\1$/, '$2')
    .replace(VARIABLE, (all, plain, braced, sign, other) => {
      if (all === '\\$') return '$'
      const value = values.get(plain ?? braced) ?? ''
      if (sign === '-') return value === '' ? other : value
      if (sign === '+') return value === '' ? '' : other
      return value
    })
}
