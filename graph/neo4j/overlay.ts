/* What a batch of commits changes, worked out in memory over what the database holds.
 *
 * The batch has the head's lock, so nobody else writes meanwhile: what was read stays true. Each
 * commit is tried on a layer of its own, which is kept when it holds and thrown away when it fails. */
import { randomBytes } from 'node:crypto'
import { KaosError } from '../../api/errors.ts'
import { append, type Frontier } from '../../api/merkle.ts'
import type { CheckedCommit } from '../commit.ts'
import { areErased, erasable, erasedAttributes } from '../erasure.ts'
import type { Expectation, NewEdge, ProvClass, Receipt } from '../ledger.ts'
import { leafOf, type NodeRow, type Payload, SALT_BYTES } from '../payload.ts'
import { allows } from '../prov.ts'

/** A thing as it is stored. */
export interface Thing extends NodeRow {
  readonly organisation: string
  readonly seq: number
  readonly at: number
}

export interface StoredPointer {
  readonly name: string
  readonly target: string
  readonly at: number
  readonly from: number
  readonly to: number | null
}

export interface StoredRecord {
  readonly key: string
  readonly value: string
  readonly version: number
  readonly expires: number | null
}

export interface StoredStatement {
  readonly seq: number
  readonly at: number
  readonly salt: string
  readonly leaf: string
  readonly payload: string
}

export interface StoredEdge extends NewEdge {
  readonly seq: number
}

/** What the database holds of all that the batch names. */
export interface Known {
  readonly things: Map<string, Thing>
  /** Role (null: none) by `edgeKey`. */
  readonly edges: Map<string, string | null>
  readonly targets: Map<string, string>
  readonly versions: Map<string, number>
  /** Payloads of statements that are to be erased; null: it was before. */
  readonly payloads: Map<number, string | null>
}

export interface State extends Frontier {
  readonly at: number
  readonly version: number
}

/** To be written, in order. */
export interface Changes {
  readonly things: Thing[]
  readonly edges: StoredEdge[]
  /** Pointers that stood before the batch and end, with the number of the statement that ends them. */
  readonly ended: Map<string, number>
  readonly pointers: StoredPointer[]
  /** null: deleted. */
  readonly records: Map<string, StoredRecord | null>
  readonly statements: StoredStatement[]
  /** Statements whose payload goes, and things that lose name and attributes. */
  readonly erased: number[]
  readonly blanked: { readonly id: string; readonly attributes: string }[]
}

export function edgeKey({ from, relation, to }: NewEdge): string {
  return `${from} ${relation} ${to}`
}

export class Overlay {
  readonly #known: Known
  readonly changes: Changes = {
    things: [],
    edges: [],
    ended: new Map(),
    pointers: [],
    records: new Map(),
    statements: [],
    erased: [],
    blanked: [],
  }
  state: State

  constructor(known: Known, state: State) {
    this.#known = known
    this.state = state
  }

  /** Takes the commit in; throws when it cannot be, and then nothing of it is left. */
  apply(commit: CheckedCommit): Receipt {
    for (const expectation of commit.expect) this.#require(expectation)
    const draft = new Draft(this.#known, this.state)
    draft.project(commit)
    const erased = this.#erasable(commit)
    const time = new Date(this.state.at).toISOString()
    const first = this.state.size
    const seqs = commit.statements.map((_, i) => first + i)
    draft.keep(this.changes)
    for (const one of erased) this.#erase(one)
    for (const statement of commit.statements) this.#log(statement.payload(this.state.size, time))
    for (const { pointer, target, seq } of draft.moves) this.#move(pointer, target, seq)
    return { seqs, at: time, versions: commit.records.map(record => this.#record(record)) }
  }

  /** What the commit erases, all of it known to be there. */
  #erasable({ statements }: CheckedCommit) {
    const first = this.state.size
    const all = statements.flatMap(({ erases }, i) => {
      return erases.map(({ seq }) => ({ seq, by: first + i }))
    })
    const seen = new Set<number>()
    return all.map(({ seq, by }) => {
      const payload = seen.has(seq) ? null : this.#known.payloads.get(seq)
      seen.add(seq)
      return { seq, by, said: erasable(seq, payload) }
    })
  }

  #erase({ seq, by, said }: { seq: number; by: number; said: Payload }): void {
    this.#known.payloads.set(seq, null)
    this.changes.erased.push(seq)
    const attributes = erasedAttributes(by)
    for (const { id } of said.nodes ?? []) {
      const thing = this.#known.things.get(id)
      if (thing?.seq !== seq) continue
      this.#known.things.set(id, { ...thing, name: null, attributes })
      this.changes.blanked.push({ id, attributes })
    }
  }

  #require(expectation: Expectation): void {
    const pointer = 'pointer' in expectation
    const name = pointer ? expectation.pointer : expectation.record
    const found = pointer
      ? (this.#known.targets.get(name) ?? null)
      : (this.#known.versions.get(name) ?? 0)
    if (found === (pointer ? expectation.target : expectation.version)) return
    const what = `${pointer ? 'pointer' : 'record'} ${name}`
    const message = `${what} was changed by somebody else; read it and try again`
    throw new KaosError('CONFLICT', message, { detail: { expected: expectation, found } })
  }

  #log(payload: string): void {
    const salt = randomBytes(SALT_BYTES)
    const leaf = leafOf(salt, payload)
    const { size: seq, at } = this.state
    this.changes.statements.push({
      seq,
      at,
      salt: salt.toString('hex'),
      leaf: leaf.toString('hex'),
      payload,
    })
    this.state = { ...this.state, ...append(this.state, leaf) }
  }

  #move(name: string, target: string | null, seq: number): void {
    const { pointers, ended } = this.changes
    const own = pointers.findLastIndex(one => one.name === name && one.to === null)
    if (own >= 0) pointers[own] = { ...pointers[own]!, to: seq }
    else if (this.#known.targets.has(name)) ended.set(name, seq)
    this.#known.targets.delete(name)
    if (target === null) return
    this.#known.targets.set(name, target)
    pointers.push({ name, target, at: this.state.at, from: seq, to: null })
  }

  #record({ key, value, expires }: CheckedCommit['records'][number]): number {
    if (value === null) {
      this.changes.records.set(key, null)
      this.#known.versions.delete(key)
      return 0
    }
    const version = this.state.version + 1
    this.state = { ...this.state, version }
    this.changes.records.set(key, { key, value, version, expires })
    this.#known.versions.set(key, version)
    return version
  }
}

/** The nodes, edges and moves of one commit, until it is known to hold. */
class Draft {
  readonly #known: Known
  readonly #state: State
  readonly #things = new Map<string, Thing>()
  readonly #edges = new Map<string, StoredEdge>()
  readonly moves: { pointer: string; target: string | null; seq: number }[] = []

  constructor(known: Known, state: State) {
    this.#known = known
    this.#state = state
  }

  /** All nodes first: an edge may name a node of a later statement of its commit. */
  project({ actor, organisation, statements }: CheckedCommit): void {
    const { size, at } = this.#state
    statements.forEach(({ nodes }, i) => {
      for (const node of nodes) this.#addThing({ ...node, organisation, seq: size + i, at })
    })
    if (this.#classOf(actor) !== 'agent') {
      throw refusal(`the actor ${actor} is no agent of the graph or of this commit`)
    }
    statements.forEach(({ edges, moves }, i) => {
      for (const edge of edges) this.#addEdge({ ...edge, seq: size + i })
      for (const { pointer, target } of moves) this.moves.push({ pointer, target, seq: size + i })
    })
  }

  /** The commit holds: others see what it made. */
  keep({ things, edges }: Changes): void {
    for (const thing of this.#things.values()) {
      this.#known.things.set(thing.id, thing)
      things.push(thing)
    }
    for (const [key, edge] of this.#edges) {
      this.#known.edges.set(key, edge.role ?? null)
      edges.push(edge)
    }
  }

  #addThing(thing: Thing): void {
    const there = this.#things.get(thing.id) ?? this.#known.things.get(thing.id)
    if (there === undefined) this.#things.set(thing.id, thing)
    else if (!sameThing(there, thing) && !areErased(there.attributes)) {
      const message = `node ${thing.id} is there already with another content`
      throw new KaosError('CONFLICT', message, { detail: { node: thing.id } })
    }
  }

  #addEdge(edge: StoredEdge): void {
    const [from, to] = [this.#classOf(edge.from), this.#classOf(edge.to)]
    if (from === undefined || to === undefined) {
      const missing = from === undefined ? edge.from : edge.to
      throw refusal(`edge ${edge.relation} names node ${missing}, which is not there`)
    }
    if (!allows(edge.relation, from, to)) {
      throw refusal(`${edge.relation} can not lead from an ${from} to an ${to}`)
    }
    const key = edgeKey(edge)
    const own = this.#edges.get(key)
    const role = own === undefined ? this.#known.edges.get(key) : (own.role ?? null)
    if (role === undefined) this.#edges.set(key, edge)
    else if (role !== (edge.role ?? null)) {
      const { from: source, relation, role: given, to: target } = edge
      const detail = {
        from: source,
        relation,
        to: target,
        ...(given !== undefined && { role: given }),
      }
      throw new KaosError('CONFLICT', `edge ${key} is there already in another role`, {
        detail: { edge: detail },
      })
    }
  }

  #classOf(id: string): ProvClass | undefined {
    return (this.#things.get(id) ?? this.#known.things.get(id))?.class
  }
}

function sameThing(one: Thing, other: Thing): boolean {
  const keys = [
    'class',
    'kind',
    'organisation',
    'workspace',
    'digest',
    'name',
    'attributes',
  ] as const
  return keys.every(key => one[key] === other[key])
}

function refusal(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}
