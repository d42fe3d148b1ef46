/* Checking evidence, with nothing but the file and what the verifier knows from elsewhere. */
import { checkChain } from './chain-checks.ts'
import { checkContent, checkManifests } from './content-checks.ts'
import { type Finding, Findings, messageOf, type Voucher } from './findings.ts'
import type { EvidenceIndex, EvidenceNode } from './format.ts'
import { checkGraph } from './graph-checks.ts'
import {
  checkCheckpoint,
  checkFile,
  checkHistory,
  checkLog,
  indexIn,
  keysIn,
  type Trust,
} from './log-checks.ts'
import type { Opened } from './open.ts'
import { checkSignatures, type Good } from './signature-checks.ts'

export interface Verdict {
  /** Whether everything holds. */
  readonly good: boolean
  readonly index: EvidenceIndex
  readonly findings: readonly Finding[]
  readonly vouchers: readonly Voucher[]
  /** Signed statements that stood every check, by the sha256 of their envelopes. */
  readonly signed: readonly { readonly sha256: string; readonly subject: EvidenceNode }[]
}

export type { Trust } from './log-checks.ts'

export function verifyEvidence(opened: Opened, trust: Trust): Verdict {
  const findings = new Findings()
  const index = indexIn(opened)
  let signed: readonly Good[] = []
  try {
    signed = checkAll(opened, index, trust, findings)
  } catch (error) {
    // Somebody changed a member into something that cannot even be read.
    findings.bad('evidence', `the checks could not go on: ${messageOf(error)}`)
  }
  return {
    good: findings.isGood,
    index,
    findings: findings.all,
    vouchers: findings.vouchers,
    signed: signed.map(({ node, subject }) => {
      return { sha256: String(node.attributes.sha256), subject }
    }),
  }
}

function checkAll(
  opened: Opened,
  index: EvidenceIndex,
  trust: Trust,
  findings: Findings,
): readonly Good[] {
  const keys = keysIn(opened, index, trust)
  checkFile(opened, index, keys, trust, findings)
  const checkpoint = checkCheckpoint(opened, index, keys, findings)
  if (!checkpoint) return []
  checkHistory(opened, checkpoint, trust, findings)
  const said = checkLog(opened, checkpoint, findings)
  const graph = checkGraph(opened, said, findings)
  const ground = { opened, index, graph, said, keys, findings }
  const signed = checkSignatures(ground)
  checkChain(ground, signed)
  checkContent(opened, index, graph, findings)
  checkManifests(opened, findings)
  return signed
}
