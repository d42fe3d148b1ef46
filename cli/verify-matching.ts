/* Whether what lies here is what the evidence is about, and whether its log is a part of the server's. */
import { openEnvelope } from '../api/attestation.ts'
import { isKaosError } from '../api/errors.ts'
import type { Finding } from '../api/evidence/findings.ts'
import { MEMBER } from '../api/evidence/format.ts'
import { jsonIn, type Opened } from '../api/evidence/open.ts'
import type { Verdict } from '../api/evidence/verify.ts'
import { verifyConsistency } from '../api/merkle.ts'
import { publicKeyOf } from '../api/signing-keys.ts'
import type { CheckpointView, ConsistencyView } from '../api/wire.ts'
import type { WorkerKeySet } from '../api/worker-keys.ts'
import type { Client } from './client.ts'
import type { Target } from './verify-targets.ts'

function withFinding(verdict: Verdict, finding: Finding): Verdict {
  const findings = [...verdict.findings, finding]
  return { ...verdict, findings, good: verdict.good && finding.is !== 'bad' }
}

export function matched(verdict: Verdict, target: Target, opened: Opened): Verdict {
  if (target.kind === 'content') return withFinding(verdict, contentFinding(verdict, target))
  if (target.kind === 'envelope') {
    return withFinding(verdict, envelopeFinding(verdict, target, opened))
  }
  return verdict
}

function contentFinding(
  { index }: Verdict,
  { path, tree }: Extract<Target, { kind: 'content' }>,
): Finding {
  const { digest, name } = index.subject
  const same = digest === tree
  const text = same
    ? `every byte in ${path} is what ${name} is made of`
    : `${path} holds other bytes than ${name}: its digest is ${tree.slice(0, 19)}…`
  return { check: 'content', is: same ? 'good' : 'bad', text }
}

function envelopeFinding(
  { signed }: Verdict,
  { envelope, sha256 }: Extract<Target, { kind: 'envelope' }>,
  opened: Opened,
): Finding {
  const taken = signed.find(one => one.sha256 === sha256)
  if (taken) {
    const { kind, name = '' } = taken.subject
    const text = `this statement is the one that the log took about ${kind} ${name}`
    return { check: 'outcome', is: 'good', text }
  }
  const why = 'the log took no outcome with it: its attempt lost, or it is from elsewhere'
  const { keys } = jsonIn<WorkerKeySet>(opened, MEMBER.workers)
  const known = keys.map(key => ({ kid: key.kid, publicKey: publicKeyOf(key) }))
  try {
    const { kid } = openEnvelope(envelope, known, null)
    return { check: 'outcome', is: 'bad', text: `signed with key ${kid}, but ${why}` }
  } catch (error) {
    const reason = isKaosError(error) ? error.message : String(error)
    return { check: 'outcome', is: 'bad', text: `${reason}; and ${why}` }
  }
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** With the proof from the server that the log of the file is a beginning of its own, which was just
 * compared with what was seen from here. */
export async function extended(client: Client, verdict: Verdict): Promise<Verdict> {
  const { root, size } = verdict.index.checkpoint
  const now = await client.get<CheckpointView>('/ledger/checkpoint')
  const check = 'history'
  if (now.origin !== `kaos/${verdict.index.installation}`) {
    const text = `this server is ${now.origin}, another installation: its log says nothing of this`
    return withFinding(verdict, { check, is: 'note', text })
  }
  if (size > now.size) {
    const text = `the server shows only ${now.size} statements, the evidence has ${size}`
    return withFinding(verdict, { check, is: 'bad', text })
  }
  const query = { first: size, second: now.size }
  const { proof } = await client.get<ConsistencyView>('/ledger/consistency', query)
  const claim = {
    first: size,
    firstRoot: bytes(root),
    second: now.size,
    secondRoot: bytes(now.root),
  }
  if (verifyConsistency({ ...claim, proof: proof.map(bytes) })) {
    const text = `a beginning of the ${now.size} statements that the server shows now`
    return withFinding(verdict, { check, is: 'good', text })
  }
  const text = `ANOTHER HISTORY than the ${now.size} statements that the server shows now`
  return withFinding(verdict, { check, is: 'bad', text })
}
