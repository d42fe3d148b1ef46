/** The file itself, the checkpoint, the history, and that every statement is in the log. */
import { openEnvelope } from '../attestation.ts'
import { type Checkpoint, openCheckpoint, originOf } from '../checkpoint.ts'
import { KaosError } from '../errors.ts'
import { leafHash, verifyConsistency, verifyInclusion } from '../merkle.ts'
import { believable, publicKeyOf, type SigningKey } from '../signing-keys.ts'
import { count, type Findings, messageOf } from './findings.ts'
import {
  type DatedKey,
  EVIDENCE_FORMAT,
  EVIDENCE_PREDICATE,
  type EvidenceIndex,
  type EvidenceNode,
  MEMBER,
  type ProvedStatement,
} from './format.ts'
import { invalid, jsonIn, type Opened, textIn } from './open.ts'

/** What the verifier knows from elsewhere. */
export interface Trust {
  /** Keys of the installation that are believed; none: those of the file are taken as they are. */
  readonly keys: readonly SigningKey[]
  /** The log as it was last seen. */
  readonly seen?: { readonly size: number; readonly root: string } | undefined
}

/** A statement that was proved. */
export interface Said {
  readonly type: string
  readonly workspace?: string
  readonly nodes?: readonly Omit<EvidenceNode, 'seq' | 'at'>[]
  readonly edges?: readonly { from: string; relation: string; to: string; role?: string }[]
  readonly detail?: { readonly [key: string]: unknown }
}

export function indexIn(opened: Opened): EvidenceIndex {
  const index = jsonIn<EvidenceIndex>(opened, MEMBER.index)
  if (index.format !== EVIDENCE_FORMAT) throw invalid(`its format is ${index.format}`)
  if (!/^[0-9a-f]{32}$/.test(index.installation)) throw invalid('it names no installation')
  return index
}

/** The installation's keys that may be believed. */
export function keysIn(opened: Opened, index: EvidenceIndex, trust: Trust): SigningKey[] {
  const { keys } = jsonIn<{ keys: DatedKey[] }>(opened, MEMBER.keys)
  return believable(originOf(index.installation), trust.keys, keys)
}

export function checkFile(
  opened: Opened,
  index: EvidenceIndex,
  keys: readonly SigningKey[],
  trust: Trust,
  findings: Findings,
): void {
  try {
    const known = keys.map(key => ({ kid: key.kid, publicKey: publicKeyOf(key) }))
    const envelope = jsonIn<Parameters<typeof openEnvelope>[0]>(opened, MEMBER.signature)
    const { kid, statement } = openEnvelope(envelope, known, EVIDENCE_PREDICATE)
    if (statement.subject[0]?.digest?.sha256 !== opened.hashes.get(MEMBER.index)) {
      throw invalid(`${MEMBER.index} is not what was signed`)
    }
    requireMembers(opened, index)
    const named = `${count(opened.hashes.size, 'member')}, as packed at ${index.at}`
    findings.good('evidence', `${named} and signed by installation key ${kid.slice(0, 8)}`)
  } catch (error) {
    findings.bad('evidence', messageOf(error))
  }
  if (trust.keys.length > 0) return
  const [first] = keys
  const compare = `compare key ${first?.kid ?? '(none)'} with what you know from elsewhere`
  findings.note(
    'evidence',
    `the keys of the installation are those that the file itself brings: ${compare}`,
  )
}

function requireMembers({ hashes }: Opened, { members }: EvidenceIndex): void {
  const listed = new Map(members.map(({ name, sha256 }) => [name, sha256]))
  for (const [name, sha256] of hashes) {
    if (name === MEMBER.index || name === MEMBER.signature) continue
    if (!listed.has(name)) throw invalid(`${name} does not belong to it`)
    if (listed.get(name) !== sha256) throw invalid(`${name} was changed`)
  }
  const lost = members.find(({ name }) => !hashes.has(name))
  if (lost) throw invalid(`${lost.name} is missing`)
}

/** Undefined when it cannot be believed. */
export function checkCheckpoint(
  opened: Opened,
  index: EvidenceIndex,
  keys: readonly SigningKey[],
  findings: Findings,
): Checkpoint | undefined {
  const origin = originOf(index.installation)
  const named = keys.map(key => ({ name: origin, publicKey: publicKeyOf(key) }))
  try {
    const checkpoint = openCheckpoint(textIn(opened, MEMBER.checkpoint), named)
    if (checkpoint.origin !== origin)
      throw invalid(`the checkpoint is that of ${checkpoint.origin}`)
    const { root, size, at } = checkpoint
    findings.good(
      'checkpoint',
      `${count(size, 'statement')}, root ${root.slice(0, 16)}…, signed ${at}`,
    )
    findings.vouch(`installation ${origin}`, 'that its log is what the checkpoint says')
    return checkpoint
  } catch (error) {
    findings.bad('checkpoint', messageOf(error))
    return undefined
  }
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** That this is the history that was seen before. */
export function checkHistory(
  opened: Opened,
  { root, size }: Checkpoint,
  { seen }: Trust,
  findings: Findings,
): void {
  if (!seen) return
  if (seen.size === size) {
    if (seen.root === root) findings.good('history', 'the same log as last seen from here')
    else findings.bad('history', `ANOTHER HISTORY than seen from here, of ${size} statements too`)
    return
  }
  const name = MEMBER.consistency(Math.min(seen.size, size), Math.max(seen.size, size))
  if (seen.size > size || !opened.members.has(name)) {
    const other = `a log of ${count(seen.size, 'statement')} was seen from here`
    findings.note(
      'history',
      `${other}; compare with kaos ledger verify when the server is in reach`,
    )
    return
  }
  const { proof } = jsonIn<{ proof: string[] }>(opened, name)
  const good = verifyConsistency({
    first: seen.size,
    firstRoot: bytes(seen.root),
    second: size,
    secondRoot: bytes(root),
    proof: proof.map(bytes),
  })
  if (good) findings.good('history', `continues the log of ${seen.size} that was seen from here`)
  else findings.bad('history', `ANOTHER HISTORY than the ${seen.size} statements seen from here`)
}

/** The statements that are in the log, by number; bad ones are left out. */
export function checkLog(
  opened: Opened,
  { root, size }: Checkpoint,
  findings: Findings,
): Map<number, Said> {
  const good = new Map<number, Said>()
  let erased = 0
  let bad = 0
  for (const name of opened.members.keys()) {
    if (!name.startsWith('statements/')) continue
    try {
      const statement = jsonIn<ProvedStatement>(opened, name)
      requireIncluded(statement, size, root)
      if (statement.payload === null) erased++
      else good.set(statement.seq, saidIn(statement))
    } catch (error) {
      if (++bad === 1) findings.bad('log', `${name}: ${messageOf(error)}`)
    }
  }
  if (bad > 1) findings.bad('log', `${count(bad, 'statement')} in all are not proved`)
  if (erased > 0)
    findings.note('log', `${count(erased, 'statement')} erased by law; only the leaf is proved`)
  findings.good('log', `${count(good.size, 'statement')} are in the log, each with its proof`)
  return good
}

function requireIncluded(statement: ProvedStatement, size: number, root: string): void {
  const { leaf, payload, proof, salt, seq } = statement
  if (payload !== null) {
    const hash = leafHash(bytes(salt ?? ''), payload).toString('hex')
    if (hash !== leaf) throw invalid('it is not what its leaf was made of')
  }
  const claim = { leaf: bytes(leaf), index: seq, size, root: bytes(root), proof: proof.map(bytes) }
  if (!verifyInclusion(claim)) throw invalid('it is not in the log')
}

function saidIn({ payload, seq }: ProvedStatement): Said {
  const said = JSON.parse(payload!) as Said & { seq: number }
  if (said.seq === seq) return said
  throw new KaosError('EVIDENCE_INVALID', `it is statement ${said.seq}, not ${seq}`)
}
