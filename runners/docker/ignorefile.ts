/* .dockerignore. The engine does not apply it to a context that comes as a tar, so kaos does.
 *
 * Its patterns look like those of git but mean something else: they are anchored at the context's
 * root, a rule also covers what lies below what it names, and the last rule that fits wins, so that
 * `!dir/keep` brings back a file of an ignored folder. Each rule is therefore a matcher of its own. */
import { posix } from 'node:path'
import ignore, { type Ignore } from 'ignore'

interface Rule {
  readonly matcher: Ignore
  readonly keeps: boolean
}

export class IgnoreFile {
  readonly #rules: Rule[] = []

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
        const rule = ruleOf(line)
        if (rule !== undefined) this.#rules.push(rule)
      }
    }
  }

  /** Whether a path below an ignored folder may still be wanted. */
  get keepsSome(): boolean {
    return this.#rules.some(rule => rule.keeps)
  }

  /** Whether this path, relative and with slashes, stays out of the context. */
  ignores(path: string): boolean {
    let ignored = false
    for (const rule of this.#rules) {
      if (rule.keeps === ignored && rule.matcher.ignores(path)) ignored = !rule.keeps
    }
    return ignored
  }
}

function ruleOf(line: string): Rule | undefined {
  if (line.startsWith('#')) return undefined
  let pattern = line.trim()
  const keeps = pattern.startsWith('!')
  if (keeps) pattern = pattern.slice(1).trim()
  if (pattern === '') return undefined
  const clean = posix.normalize(`/${pattern}`).replace(/\/+$/, '')
  if (clean === '') return undefined
  return { matcher: ignore({ ignorecase: false }).add(clean.replace(/\[\^/g, '[!')), keeps }
}
