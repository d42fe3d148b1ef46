/* The payload of a statement: canonical JSON of
 * {seq, at, actor, organisation, type, workspace, nodes, edges, moves, erases, detail}, absent members left
 * out. Number and time are known last, so the rest of the text is made before and they are put in. */

import { leafHash } from '../api/merkle.ts'
import { canonical } from './canonical.ts'
import type {
  Commit,
  Erasure,
  Json,
  Move,
  NewEdge,
  NewNode,
  ProvClass,
  Statement,
} from './ledger.ts'

/** Bytes of salt before each payload: with it, nobody can guess an erased payload from its leaf. */
export const SALT_BYTES = 16

/** A node as tables hold it: absent members null, attributes as canonical JSON. */
export interface NodeRow {
  readonly id: string
  readonly class: ProvClass
  readonly kind: string
  readonly workspace: string | null
  readonly digest: string | null
  readonly name: string | null
  readonly attributes: string
}

/** A payload as read back. */
export interface Payload {
  readonly seq: number
  readonly at: string
  readonly actor: string
  readonly organisation: string
  readonly type: string
  readonly workspace?: string
  readonly nodes?: readonly NewNode[]
  readonly edges?: readonly NewEdge[]
  readonly moves?: readonly Move[]
  readonly erases?: readonly Erasure[]
  readonly detail?: { readonly [key: string]: Json }
}

export interface PayloadForm {
  /** Of the longest payload that this form can become. */
  readonly bytes: number
  payload(seq: number, at: string): string
}

const LONGEST_SEQ = Number.MAX_SAFE_INTEGER
const LONGEST_AT = '2000-01-01T00:00:00.000Z'

/** `nodes` are the statement's, `detail` its detail's canonical text. */
export function payloadForm(
  { actor, organisation }: Commit,
  { type, workspace, edges = [], moves = [], erases = [] }: Statement,
  nodes: readonly NodeRow[],
  detail: string | undefined,
): PayloadForm {
  const start = `{"actor":${canonical(actor)},"at":"`
  const middle = [
    '"',
    detail === undefined ? '' : `,"detail":${detail}`,
    listOf('edges', edges.map(edgeText)),
    listOf('erases', erases.map(erasureText)),
    listOf('moves', moves.map(moveText)),
    listOf('nodes', nodes.map(nodeText)),
    `,"organisation":${canonical(organisation)},"seq":`,
  ].join('')
  const end = `,"type":${canonical(type)}${member('workspace', workspace)}}`
  const payload = (seq: number, at: string) => `${start}${at}${middle}${seq}${end}`
  return { payload, bytes: Buffer.byteLength(payload(LONGEST_SEQ, LONGEST_AT)) }
}

/** The leaf hash of a payload with its salt. */
export function leafOf(salt: Uint8Array, payload: string): Buffer {
  return leafHash(salt, payload)
}

function listOf(name: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `,"${name}":[${texts.join(',')}]`
}

/** Attributes are canonical already, and their member is the first of a node in canonical order. */
function nodeText({ attributes, ...node }: NodeRow): string {
  return [
    `{"attributes":${attributes},"class":"${node.class}"`,
    member('digest', node.digest),
    `,"id":"${node.id}","kind":"${node.kind}"`,
    member('name', node.name),
    member('workspace', node.workspace),
    '}',
  ].join('')
}

function edgeText({ from, relation, role, to }: NewEdge): string {
  return `{"from":"${from}","relation":"${relation}"${member('role', role)},"to":"${to}"}`
}

function moveText({ pointer, target }: Move): string {
  return canonical({ pointer, target })
}

function erasureText({ remains, seq }: Erasure): string {
  return `{"remains":"${remains}","seq":${seq}}`
}

function member(name: string, value: string | null | undefined): string {
  return value === null || value === undefined ? '' : `,"${name}":${canonical(value)}`
}
