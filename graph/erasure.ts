/* Erasing by law. A payload is taken out of the log; its leaf stays, and with it every proof.
 *
 * What the statement made stays in the graph, since later statements build on it, but without name and
 * attributes: the words that people wrote. Ids, kinds, digests and edges remain; their digest stands in
 * the statement that erases, so that `verify` still finds it when somebody edits them.
 *
 * Always true: a payload that is gone was erased by a later statement, which says who did it and why;
 * such a statement cannot be erased itself. */
import { createHash } from 'node:crypto'
import { KaosError } from '../api/errors.ts'
import { canonical } from './canonical.ts'
import type { Erasure, Json, Ledger, NewEdge, NewNode } from './ledger.ts'
import type { Payload } from './payload.ts'

export interface Remains {
  readonly nodes: readonly (Pick<NewNode, 'id' | 'class' | 'kind'> & {
    readonly organisation: string
    readonly workspace?: string | null | undefined
    readonly digest?: string | null | undefined
  })[]
  readonly edges: readonly (Omit<NewEdge, 'role'> & { readonly role?: string | null | undefined })[]
}

/** Attributes of what an erased statement made; `by`: the statement that erased it. */
export function erasedAttributes(by: number): string {
  return `{"erased":${by}}`
}

/** Whether a node's attributes were erased: whatever it is said to be again, it is. */
export function areErased(attributes: string): boolean {
  return /^\{"erased":\d+\}$/.test(attributes)
}

export function remainsDigest({ nodes, edges }: Remains): string {
  const lines: Json[][] = [
    ...nodes.map(one => [
      ...['node', one.id, one.class, one.kind, one.organisation],
      ...[one.workspace ?? null, one.digest ?? null],
    ]),
    ...edges.map(one => ['edge', one.from, one.relation, one.to, one.role ?? null]),
  ]
  const texts = lines.map(line => canonical(line)).sort()
  return createHash('sha256').update(texts.join('\n')).digest('hex')
}

/** What a payload that can be erased says; CONFLICT or BAD_REQUEST when it can not be. */
export function erasable(seq: number, payload: string | null | undefined): Payload {
  if (payload === undefined) throw new KaosError('BAD_REQUEST', `there is no statement ${seq}`)
  if (payload === null) throw new KaosError('CONFLICT', `statement ${seq} was erased before`)
  const said = JSON.parse(payload) as Payload
  if (said.erases === undefined) return said
  const message = `statement ${seq} is an erasure itself: it says who erased what, and stays`
  throw new KaosError('BAD_REQUEST', message)
}

/** The erasure of a statement as the log stands, and what it says. */
export async function erasureOf(
  ledger: Ledger,
  seq: number,
): Promise<{ erasure: Erasure; said: Payload }> {
  const [entry] = await ledger.log(seq, 1)
  const said = erasable(seq, entry?.seq === seq ? entry.payload : undefined)
  // What it named and was there already is not its own.
  const named = await Promise.all((said.nodes ?? []).map(({ id }) => ledger.node(id)))
  const nodes = named.filter(node => node !== undefined).filter(node => node.seq === seq)
  const edges: NewEdge[] = []
  for (const from of new Set((said.edges ?? []).map(edge => edge.from))) {
    const near = await ledger.lineage(from, { direction: 'up', depth: 1, limit: 100_000 })
    edges.push(...near.edges.filter(edge => edge.from === from && edge.seq === seq))
  }
  return { said, erasure: { seq, remains: remainsDigest({ nodes, edges }) } }
}
