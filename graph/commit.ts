/* What every back end does with a commit before it touches its engine: refuse what is not well
 * formed, and fix what will be written. Afterwards the caller may change his objects as he likes. */
import { isDigest } from '../api/digest.ts'
import { isKaosError, KaosError } from '../api/errors.ts'
import { isId } from '../api/ids.ts'
import { canonical } from './canonical.ts'
import type {
  Commit,
  Erasure,
  Expectation,
  Json,
  Move,
  NewEdge,
  NewNode,
  RecordWrite,
  Statement,
} from './ledger.ts'
import { type NodeRow, payloadForm } from './payload.ts'
import { classOf, isRelation, KINDS } from './prov.ts'

/** Bytes of a statement's payload, and of a record's value. */
export const STATEMENT_MAX = 1024 * 1024
const NAME_MAX = 1024
const WORD_MAX = 128

export interface CheckedStatement {
  readonly nodes: readonly NodeRow[]
  readonly edges: readonly NewEdge[]
  readonly moves: readonly Move[]
  readonly erases: readonly Erasure[]
  /** The statement's payload once its number and time are known. */
  payload(seq: number, at: string): string
}

export interface CheckedRecord {
  readonly key: string
  readonly value: string | null
  readonly expires: number | null
}

export interface CheckedCommit {
  readonly actor: string
  readonly organisation: string
  readonly expect: readonly Expectation[]
  readonly statements: readonly CheckedStatement[]
  readonly records: readonly CheckedRecord[]
  /** About how much will be written. */
  readonly bytes: number
}

/** The commit as it will be written; BAD_REQUEST when it is not well formed. */
export function checkCommit(commit: Commit): CheckedCommit {
  if (!isId(commit.actor)) throw refusal('the actor of a commit must be an id of 32 hex digits')
  requireName(commit.organisation, 'the organisation of a commit')
  const { actor, organisation } = commit
  const forms = (commit.statements ?? []).map(statement => checkStatement(commit, statement))
  const records = (commit.records ?? []).map(checkRecord)
  const bytes =
    forms.reduce((sum, form) => sum + form.bytes, 0) +
    records.reduce((sum, record) => sum + (record.value?.length ?? 0), 0)
  const expect = (commit.expect ?? []).map(checkExpectation)
  return { actor, organisation, expect, statements: forms, records, bytes }
}

function checkStatement(commit: Commit, statement: Statement) {
  const { type } = statement
  requireWord(type, 'the type of a statement')
  if (statement.workspace !== undefined) requireName(statement.workspace, `workspace of ${type}`)
  const nodes = (statement.nodes ?? []).map(checkNode)
  for (const edge of statement.edges ?? []) checkEdge(edge)
  checkMoves(statement.moves ?? [])
  const edges = (statement.edges ?? []).map(edge => ({ ...edge }))
  const moves = (statement.moves ?? []).map(move => ({ ...move }))
  const erases = (statement.erases ?? []).map(checkErasure)
  const detail = statement.detail && jsonText(statement.detail, `the detail of ${type}`)
  const form = payloadForm(commit, { ...statement, erases }, nodes, detail)
  if (form.bytes > STATEMENT_MAX) {
    throw refusal(`statement ${type} has ${form.bytes} bytes; ${STATEMENT_MAX} are allowed`)
  }
  return { nodes, edges, moves, erases, payload: form.payload, bytes: form.bytes }
}

function checkNode(node: NewNode): NodeRow {
  if (!isId(node.id)) throw refusal(`node id ${quoted(node.id)} must be 32 hex digits`)
  const known = classOf(node.kind)
  if (known === undefined) {
    const kinds = Object.keys(KINDS).join(', ')
    throw refusal(`node ${node.id} has the unknown kind ${quoted(node.kind)}; known: ${kinds}`)
  }
  if (known !== node.class) {
    throw refusal(`node ${node.id} of kind ${node.kind} is ${known}, not ${quoted(node.class)}`)
  }
  if (node.workspace !== undefined) requireName(node.workspace, `workspace of node ${node.id}`)
  if (node.name !== undefined) requireName(node.name, `name of node ${node.id}`)
  if (node.digest !== undefined && !isDigest(node.digest)) {
    throw refusal(`node ${node.id} has no valid digest: sha256: and 64 hex digits`)
  }
  const { attributes } = node
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw refusal(`node ${node.id} needs attributes; give {} if there are none`)
  }
  return nodeRow(node, jsonText(attributes, `attributes of node ${node.id}`))
}

/** The node as tables hold it. */
export function nodeRow(node: NewNode, attributes = canonical(node.attributes)): NodeRow {
  return {
    id: node.id,
    class: node.class,
    kind: node.kind,
    workspace: node.workspace ?? null,
    digest: node.digest ?? null,
    name: node.name ?? null,
    attributes,
  }
}

function checkEdge(edge: NewEdge): void {
  if (!isRelation(edge.relation)) throw refusal(`there is no relation ${quoted(edge.relation)}`)
  for (const id of [edge.from, edge.to]) {
    if (!isId(id)) throw refusal(`an end of ${edge.relation} is no node id: ${quoted(id)}`)
  }
  if (edge.role !== undefined) requireWord(edge.role, `role of ${edge.relation}`)
}

function checkMoves(moves: readonly Move[]): void {
  const seen = new Set<string>()
  for (const { pointer, target } of moves) {
    requireName(pointer, 'the name of a pointer')
    if (target !== null) requireName(target, `target of pointer ${pointer}`)
    if (seen.has(pointer)) throw refusal(`one statement moves pointer ${pointer} twice`)
    seen.add(pointer)
  }
}

function checkErasure({ seq, remains }: Erasure): Erasure {
  if (!(Number.isSafeInteger(seq) && seq >= 0)) throw refusal(`${seq} is no number of a statement`)
  if (!/^[0-9a-f]{64}$/.test(remains)) {
    throw refusal(`the erasure of statement ${seq} must say what remains: 64 hex digits`)
  }
  return { seq, remains }
}

function checkRecord({ key, value, expires }: RecordWrite): CheckedRecord {
  requireName(key, 'the key of a record')
  if (expires !== undefined && !(Number.isSafeInteger(expires) && expires >= 0)) {
    throw refusal(`record ${key} expires at ${expires}; give whole milliseconds since 1970`)
  }
  if (value === null) return { key, value, expires: null }
  const text = jsonText(value, `record ${key}`)
  if (Buffer.byteLength(text) > STATEMENT_MAX) {
    throw refusal(`record ${key} is larger than ${STATEMENT_MAX} bytes`)
  }
  return { key, value: text, expires: expires ?? null }
}

function checkExpectation(expectation: Expectation): Expectation {
  if ('pointer' in expectation) {
    requireName(expectation.pointer, 'the name of an expected pointer')
    return { pointer: expectation.pointer, target: expectation.target }
  }
  requireName(expectation.record, 'the key of an expected record')
  if (!(Number.isSafeInteger(expectation.version) && expectation.version >= 0)) {
    throw refusal(`version ${expectation.version} of record ${expectation.record} is no version`)
  }
  return { record: expectation.record, version: expectation.version }
}

/** Names, keys and targets: text that can be compared, printed and put into every engine. */
function requireName(text: unknown, what: string): void {
  requireText(text, what, NAME_MAX)
}

function requireWord(text: unknown, what: string): void {
  requireText(text, what, WORD_MAX)
}

function requireText(text: unknown, what: string, max: number): void {
  if (typeof text !== 'string' || text.length < 1 || text.length > max) {
    throw refusal(`${what} must be a text of 1 to ${max} characters`)
  }
  if (text.includes('\0') || !text.isWellFormed()) {
    throw refusal(`${what} must be valid Unicode without NUL`)
  }
}

/** Canonical text; errors say which value they mean. */
function jsonText(value: Json, what: string): string {
  try {
    return canonical(value)
  } catch (error) {
    if (!isKaosError(error)) throw error
    throw new KaosError(error.code, `${what}: ${error.message}`, { cause: error })
  }
}

function quoted(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 80))
}

function refusal(message: string): KaosError {
  return new KaosError('BAD_REQUEST', message)
}
