/* The smallest set of inputs in which two things differ: what differs only because something that it
 * was made of does is not told, that something is. It goes down only where contents differ. */
import type { DifferingInput } from '../../../api/wire.ts'
import type { Ledger, Node } from '../../../graph/ledger.ts'
import type { Store } from '../../../store/store.ts'
import type { People } from '../../parts.ts'
import { nameOf } from '../names.ts'
import { type Input, type Making, makingOf } from './inputs.ts'

export interface Room {
  readonly ledger: Ledger
  readonly people: People
  readonly store: Pick<Store, 'get'>
}

/** Two things of the graph that play the same role and have different content. */
export interface Pair {
  readonly role: string
  readonly a: Node
  readonly b: Node
}

export interface Comparison {
  readonly inputs: DifferingInput[]
  readonly equal: string[]
  /** All that differ, also those that are not in the smallest set. */
  readonly pairs: Pair[]
}

/** Histories that are as long as this are not followed to their end. */
const DEPTH_MAX = 100
/** An image differs when one of these does. */
const IN_IMAGE = ['code', 'base', 'packages']

export async function compared(
  room: Room,
  a: { readonly node: Node; readonly making: Making },
  b: { readonly node: Node; readonly making: Making },
): Promise<Comparison> {
  return new Walk(room).roles(a.making, b.making, [])
}

class Walk {
  readonly #room: Room
  readonly #met = new Set<string>()

  constructor(room: Room) {
    this.#room = room
  }

  async roles(a: Making, b: Making, through: readonly string[]): Promise<Comparison> {
    const found: Comparison = { inputs: [], equal: [], pairs: [] }
    if (a.how !== b.how) {
      found.inputs.push({ role: 'origin', a: a.how, b: b.how, through: [...through] })
      return found
    }
    const roles = [...new Set([...a.inputs.keys(), ...b.inputs.keys()])]
    for (const role of roles) {
      const [one, other] = [a.inputs.get(role), b.inputs.get(role)]
      if (areEqual(one, other)) found.equal.push(role)
      else await this.#input(found, role, one, other, through)
    }
    return found
  }

  async #input(
    found: Comparison,
    role: string,
    a: Input | undefined,
    b: Input | undefined,
    through: readonly string[],
  ): Promise<void> {
    if (a?.node && b?.node) found.pairs.push({ role, a: a.node, b: b.node })
    const note = role === 'image' ? imageNote(found) : undefined
    if (role === 'image' && note === undefined) return
    const below = await this.#below(role, a?.node, b?.node, through)
    found.pairs.push(...(below?.pairs ?? []))
    if (below && below.inputs.length > 0) {
      found.inputs.push(...below.inputs)
      return
    }
    const why = note ?? (below ? 'it was made of the same inputs' : undefined)
    found.inputs.push({
      role,
      a: await this.#shown(a),
      b: await this.#shown(b),
      ...(why !== undefined && { note: why }),
      through: [...through],
    })
  }

  /** How the two things differ in what they were made of; undefined when nothing is known of that. */
  async #below(
    role: string,
    a: Node | undefined,
    b: Node | undefined,
    through: readonly string[],
  ): Promise<Comparison | undefined> {
    const key = `${a?.id} ${b?.id}`
    if (!a || !b || role === 'image' || through.length >= DEPTH_MAX || this.#met.has(key)) {
      return undefined
    }
    this.#met.add(key)
    const [one, other] = [await makingOf(this.#room, a), await makingOf(this.#room, b)]
    // Two that came from outside differ by themselves.
    if (one.inputs.size === 0 || other.inputs.size === 0) return undefined
    return this.roles(one, other, [...through, role])
  }

  async #shown(input: Input | undefined): Promise<string | null> {
    if (!input) return null
    return input.node ? nameOf(this.#room, input.node) : (input.shown ?? null)
  }
}

function areEqual(a: Input | undefined, b: Input | undefined): boolean {
  if (!a || !b) return a === b
  if (!a.node || !b.node) return a.value === b.value
  return a.node.id === b.node.id || (a.node.digest !== undefined && a.node.digest === b.node.digest)
}

/** Undefined when something that is in the image explains it. Inputs are compared in their order, so
 * these were before. */
function imageNote({ inputs }: Comparison): string | undefined {
  const explained = inputs.some(({ role, through }) => [role, ...through].some(isInImage))
  return explained ? undefined : 'it was built anew from the same code and packages'
}

function isInImage(role: string): boolean {
  return IN_IMAGE.includes(role)
}
