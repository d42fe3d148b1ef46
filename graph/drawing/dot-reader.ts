/* Reads DOT as far as the plain drawing needs it: nodes, edges and the graph's own caption, with
 * their labels as lines of text. Subgraphs are read through, ports and styles passed over. The
 * grammar is Graphviz's (https://graphviz.org/doc/info/lang.html). */
import { decodeEntities } from './entities.ts'

export interface DotNode {
  readonly id: string
  readonly label: readonly string[]
  readonly attributes: Attributes
}

export interface DotEdge {
  readonly from: string
  readonly to: string
  /** Text at the tail, and along the edge. */
  readonly tail: readonly string[]
  readonly label: readonly string[]
}

export interface DotGraph {
  readonly nodes: readonly DotNode[]
  readonly edges: readonly DotEdge[]
  readonly caption: readonly string[]
}

type Attributes = ReadonlyMap<string, string>
interface Token {
  readonly text: string
  /** A mark is part of the grammar: braces, brackets, arrows. */
  readonly kind: 'mark' | 'id' | 'html'
}

const TOKEN =
  /\s+|\/\/[^\n]*|\/\*.*?\*\/|(?<mark>->|--|[{}[\]=;,:])|"(?<quoted>(?:[^"\\]|\\.)*)"|(?<html><)|(?<id>[\p{L}\p{N}_.-]+?(?=->|--|[^\p{L}\p{N}_.-]|$))/gsuy

/** Throws on what is no DOT. */
export function readDot(dot: string): DotGraph {
  return new DotReader(tokensOf(dot)).graph()
}

class DotReader {
  readonly #tokens: readonly Token[]
  readonly #labels = new Map<string, Attributes>()
  readonly #edges: DotEdge[] = []
  #caption: readonly string[] = []
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  graph(): DotGraph {
    while (this.#peek() !== '{') this.#next()
    this.#block()
    const nodes = [...this.#labels].map(([id, attributes]) => {
      return { id, label: linesOfLabel(attributes.get('label') ?? '\\N', id), attributes }
    })
    return { nodes, edges: this.#edges, caption: this.#caption }
  }

  /** A braced list of statements; answers with the nodes that it names. */
  #block(): string[] {
    const named: string[] = []
    this.#next()
    while (this.#peek() !== '}') named.push(...this.#statement())
    this.#next()
    return named
  }

  #statement(): string[] {
    if (this.#peek() === ';' || this.#peek() === ',') {
      this.#next()
      return []
    }
    const chain = [this.#ends()]
    if (this.#peek() === '=') {
      this.#next()
      this.#setCaption(new Map([[chain[0]!.name, this.#value()]]))
      return []
    }
    while (this.#peek() === '->' || this.#peek() === '--') {
      this.#next()
      chain.push(this.#ends())
    }
    const attributes = this.#attributes()
    const first = chain[0]!
    if (chain.length > 1) return this.#join(chain, attributes)
    if (first.name === 'graph') this.#setCaption(attributes)
    if (first.block || ['graph', 'node', 'edge'].includes(first.name)) return [...first.nodes]
    this.#labels.set(first.name, new Map([...(this.#labels.get(first.name) ?? []), ...attributes]))
    return [first.name]
  }

  /** One end of an edge: a node, or all nodes of a braced list. */
  #ends(): { name: string; nodes: readonly string[]; block: boolean } {
    if (this.#peek() === 'subgraph') {
      this.#next()
      if (this.#peek() !== '{') this.#next()
    }
    if (this.#peek() === '{') return { name: '', nodes: this.#block(), block: true }
    const name = this.#value()
    while (this.#peek() === ':') {
      this.#next()
      this.#value()
    }
    return { name, nodes: [name], block: false }
  }

  #join(chain: readonly { nodes: readonly string[] }[], attributes: Attributes): string[] {
    const textOf = (key: string) => linesOfLabel(attributes.get(key) ?? '', '')
    const texts = { tail: textOf('taillabel'), label: textOf('label') }
    for (const [i, { nodes: sources }] of chain.slice(0, -1).entries()) {
      for (const from of sources) {
        for (const to of chain[i + 1]!.nodes) this.#edges.push({ from, to, ...texts })
      }
    }
    const all = chain.flatMap(end => end.nodes)
    for (const id of all) if (!this.#labels.has(id)) this.#labels.set(id, new Map())
    return all
  }

  #attributes(): Attributes {
    const found = new Map<string, string>()
    while (this.#peek() === '[') {
      this.#next()
      while (this.#peek() !== ']') {
        const key = this.#value()
        let value = 'true'
        if (this.#peek() === '=') {
          this.#next()
          value = this.#value()
        }
        found.set(key, value)
        while (this.#peek() === ',' || this.#peek() === ';') this.#next()
      }
      this.#next()
    }
    return found
  }

  #setCaption(attributes: Attributes): void {
    const label = attributes.get('label')
    if (label !== undefined) this.#caption = linesOfLabel(label, '')
  }

  #value(): string {
    const token = this.#next()
    if (token.kind === 'mark') throw new Error(`${token.text} stands where a name should`)
    return token.text
  }

  #peek(): string | undefined {
    const token = this.#tokens[this.#at]
    return token?.kind === 'mark' || token?.text === 'subgraph' ? token.text : undefined
  }

  #next(): Token {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new Error('the text ends too early')
    return token
  }
}

function tokensOf(dot: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < dot.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(dot)
    if (match === null) throw new Error(`${JSON.stringify(dot.slice(at, at + 20))} is no DOT`)
    const { mark, quoted, html, id } = match.groups ?? {}
    at = TOKEN.lastIndex
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark })
    if (quoted !== undefined) tokens.push({ kind: 'id', text: quoted.replaceAll('\\"', '"') })
    if (id !== undefined) tokens.push({ kind: 'id', text: id })
    if (html === undefined) continue
    const end = endOfHtml(dot, at)
    tokens.push({ kind: 'html', text: textOfHtml(dot.slice(at, end - 1)) })
    at = end
  }
  return tokens
}

/** HTML-like text ends where its angle brackets balance. */
function endOfHtml(dot: string, start: number): number {
  let open = 1
  for (let at = start; at < dot.length; at++) {
    if (dot[at] === '<') open++
    if (dot[at] === '>' && --open === 0) return at + 1
  }
  throw new Error('an HTML-like label does not end')
}

/** An escaped label as well: what is left of the tags are line ends. */
function textOfHtml(source: string): string {
  return source.replace(/<br\s*\/?>/gi, '\\n').replace(/<[^>]*>/g, '')
}

/** Lines of an escaped label: `\n`, `\l` and `\r` end one, `\N` is the node's id. */
function linesOfLabel(label: string, id: string): string[] {
  const lines = ['']
  for (const [piece] of label.matchAll(/\\.|[^\\]+|\\$/gsu)) {
    if (/^\\[nlr]$/.test(piece)) lines.push('')
    else lines[lines.length - 1] += piece === '\\N' ? id : piece.replace(/^\\(.)/su, '$1')
  }
  return lines.map(line => decodeEntities(line).trim()).filter(line => line !== '')
}
