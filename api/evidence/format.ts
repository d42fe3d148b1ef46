/* An evidence file: all that is needed to check a model without a server, as a plain tar.
 *
 *   README.md                    how to check by hand
 *   checkpoint.txt               signed note: size and root of the log
 *   consistency/<m>-<n>.json     the log of m statements is a beginning of that of n
 *   keys/installation.jwks.json  keys that sign checkpoints, with their times
 *   keys/workers.jwks.json       keys that sign what jobs made, with what the log says of them
 *   statements/<number>.json     a statement of the log, its salt, and the way to the root
 *   attestations/<entity>.dsse.json   signed in-toto statements
 *   graph.json, prov.json        the part of the graph: ours, and as W3C PROV-JSON
 *   manifests/<hex>.json         OCI manifests
 *   objects/<hex>                folders and lists of chunks of the content (api/tree.ts)
 *   content/<path>               the content itself, when it was asked for
 *   index.json                   what all this is, with the sha256 of every other member
 *   index.dsse.json              the installation's signature under index.json
 *
 * Always true: the two index members come last; every other one is named in index.json. */
import type { Json } from '../canonical.ts'
import type { SigningKey } from '../signing-keys.ts'

export const EVIDENCE_FORMAT = 'kaos-evidence/1'
export const EVIDENCE_TYPE = 'application/x-tar'
export const EVIDENCE_PREDICATE = 'https://kaos.dev/evidence/v1'

export const MEMBER = {
  readme: 'README.md',
  index: 'index.json',
  signature: 'index.dsse.json',
  checkpoint: 'checkpoint.txt',
  graph: 'graph.json',
  prov: 'prov.json',
  keys: 'keys/installation.jwks.json',
  workers: 'keys/workers.jwks.json',
  statement: (seq: number) => `statements/${String(seq).padStart(12, '0')}.json`,
  attestation: (entity: string) => `attestations/${entity}.dsse.json`,
  consistency: (first: number, second: number) => `consistency/${first}-${second}.json`,
  manifest: (hex: string) => `manifests/${hex}.json`,
  object: (hex: string) => `objects/${hex}`,
  content: (path: string) => `content/${path}`,
} as const

export interface EvidenceMember {
  readonly name: string
  readonly size: number
  readonly sha256: string
}

export interface EvidenceIndex {
  readonly format: typeof EVIDENCE_FORMAT
  readonly installation: string
  readonly workspace: { readonly id: string; readonly name: string }
  /** When it was packed, by the server's clock. */
  readonly at: string
  /** What it is about. */
  readonly subject: EvidenceSubject
  /** Entity whose folder is in objects/ (and content/); null when it has none, or it is gone. */
  readonly content: { readonly entity: string; readonly whole: boolean } | null
  /** What an endpoint serves, when it was asked for one. */
  readonly serving: {
    readonly endpoint: string
    readonly model: string | null
    /** False once it was killed, or another revision took its place. */
    readonly live: boolean
  } | null
  readonly checkpoint: { readonly size: number; readonly root: string }
  /** There was more upstream than fits. */
  readonly truncated: boolean
  readonly members: readonly EvidenceMember[]
}

export interface EvidenceSubject {
  readonly entity: string
  readonly kind: string
  readonly name: string
  readonly digest: string | null
}

/** leaf = SHA-256(0x00 || salt || payload); salt is hex. Both are null once erased by law. */
export interface ProvedStatement {
  readonly seq: number
  readonly at: string
  readonly leaf: string
  readonly salt: string | null
  readonly payload: string | null
  /** Of the tree that the proof leads to the root of. */
  readonly size: number
  readonly proof: readonly string[]
}

export interface EvidenceNode {
  readonly id: string
  readonly class: string
  readonly kind: string
  readonly workspace?: string
  readonly digest?: string
  readonly name?: string
  readonly attributes: { readonly [key: string]: Json }
  readonly seq: number
  readonly at: string
}

export interface EvidenceEdge {
  readonly from: string
  readonly relation: string
  readonly to: string
  readonly role?: string
  readonly seq: number
}

export interface EvidenceGraph {
  readonly nodes: readonly EvidenceNode[]
  readonly edges: readonly EvidenceEdge[]
}

/** Signs since and until then (RFC 3339). */
export type DatedKey = SigningKey & {
  readonly kaos_since: string
  readonly kaos_until: string | null
}
