/* Our words in the terms of W3C PROV. Both tables only ever grow: what an old log says must stay
 * sayable, or it could not be rebuilt. */
import type { ProvClass, Relation } from './ledger.ts'

/** Which PROV class a thing of our kind is. */
export const KINDS = {
  workspace: 'entity',
  source: 'entity',
  data: 'entity',
  manifest: 'entity',
  hyperparams: 'entity',
  image: 'entity',
  environment: 'entity',
  model: 'entity',
  metrics: 'entity',
  log: 'entity',
  measurements: 'entity',
  endpoint: 'entity',
  revision: 'entity',
  attestation: 'entity',
  artifact: 'entity',
  replica: 'entity',
  verdict: 'entity',
  description: 'entity',
  import: 'activity',
  build: 'activity',
  train: 'activity',
  trial: 'activity',
  deploy: 'activity',
  replay: 'activity',
  promotion: 'activity',
  purge: 'activity',
  user: 'agent',
  robot: 'agent',
  worker: 'agent',
  system: 'agent',
} as const satisfies Record<string, ProvClass>

export type Kind = keyof typeof KINDS

/** The class of a kind, undefined for a word we do not use. */
export function classOf(kind: string): ProvClass | undefined {
  return Object.hasOwn(KINDS, kind) ? KINDS[kind as Kind] : undefined
}

/** What may stand at the two ends of a relation: from what came later, to what it came from. */
export const ENDS = {
  used: ['activity', 'entity'],
  wasGeneratedBy: ['entity', 'activity'],
  wasDerivedFrom: ['entity', 'entity'],
  wasAssociatedWith: ['activity', 'agent'],
  wasAttributedTo: ['entity', 'agent'],
  wasInformedBy: ['activity', 'activity'],
  hadMember: ['entity', 'entity'],
} as const satisfies Record<Relation, readonly [ProvClass, ProvClass]>

export function isRelation(word: string): word is Relation {
  return Object.hasOwn(ENDS, word)
}

/** Whether the relation may lead from a thing of the one class to one of the other. */
export function allows(relation: Relation, from: ProvClass, to: ProvClass): boolean {
  const [ours, theirs] = ENDS[relation]
  return ours === from && theirs === to
}
