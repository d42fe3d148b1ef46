/* What `kaos verify` and `kaos evidence` have in common: evidence from a server or a file, what is
 * known from elsewhere, and how a verdict is shown. */
import { createReadStream, readFileSync } from 'node:fs'
import { isKaosError, KaosError } from '../api/errors.ts'
import type { Finding } from '../api/evidence/findings.ts'
import { type EvidenceIndex, MEMBER } from '../api/evidence/format.ts'
import { jsonIn, type Opened, openEvidence } from '../api/evidence/open.ts'
import { type Trust, type Verdict, verifyEvidence } from '../api/evidence/verify.ts'
import type { KeySet, SigningKey } from '../api/signing-keys.ts'
import type { ProvenanceView } from '../api/wire.ts'
import type { Client } from './client.ts'
import { environment } from './config.ts'
import { DONE } from './look.ts'
import { recall, witness } from './witness.ts'

const MARKS = { good: DONE, note: '!', bad: '\u2717' } as const

export function openFile(file: string): Promise<Opened> {
  return openEvidence(createReadStream(file))
}

/** Keys that somebody got from elsewhere: a JWKS file. */
export function keysFrom(file: string): readonly SigningKey[] {
  try {
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as KeySet
    if (keys.length > 0 && keys.every(({ kid, x }) => kid && x)) return keys
    throw new Error('it holds no keys')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const next = 'give the JSON of https://SERVER/.well-known/jwks.json'
    throw new KaosError('USAGE', `--keys ${file}: ${why}; ${next}`, { cause })
  }
}

/** Checks with the given keys, else with those that this CLI has met before. */
export function judged(opened: Opened, given: readonly SigningKey[] | undefined): Verdict {
  const { installation } = jsonIn<EvidenceIndex>(opened, MEMBER.index)
  const isId = typeof installation === 'string' && /^[0-9a-f]{32}$/.test(installation)
  const memory = isId ? recall(environment().stateHome, installation) : undefined
  const trust: Trust = { keys: given ?? memory?.keys ?? [], seen: memory }
  return verifyEvidence(opened, trust)
}

/** The bytes of the evidence as the server packs it now, with the proof that its log continues the one
 * that was seen from here. */
export async function* evidenceFrom(
  client: Client,
  base: string,
  id: string,
  content: boolean,
): AsyncGenerator<Uint8Array> {
  const { checkpoint } = await witness(client, environment().stateHome)
  let begun = false
  try {
    for await (const bytes of client.stream(`${base}/evidence`, {
      ...{ id, content, first: checkpoint.size },
    })) {
      begun = true
      yield bytes
    }
  } catch (cause) {
    if (!begun || !isKaosError(cause, 'UNREACHABLE')) throw cause
    const why = 'the server broke off: something that belongs to it is damaged or lost there'
    const next = 'see: kaos admin fsck --wait'
    throw new KaosError('OBJECT_DAMAGED', `${why}, or it was stopped; ${next}`, { cause })
  }
}

export function lineOf({ check, is, text }: Finding): string {
  return ` ${MARKS[is]} ${check}: ${text}`
}

/** What the server calls those who acted: a file never holds that, as names can be erased. */
export async function namesAt(
  client: Client,
  base: string,
  entity: string,
): Promise<ReadonlyMap<string, string>> {
  const query = { id: entity, limit: 1000 }
  const { nodes } = await client.get<ProvenanceView>(`${base}/provenance`, query)
  return new Map(nodes.filter(one => one.class === 'agent').map(({ id, name }) => [id, name]))
}

/** All lines of a verdict. */
export function linesOf(
  { findings, index, vouchers }: Verdict,
  names: ReadonlyMap<string, string> = new Map(),
): string[] {
  const named = (who: string) => who.replace(/[0-9a-f]{32}$/, id => names.get(id) ?? id)
  const { digest, kind, name } = index.subject
  return [
    `${kind} ${name}${digest === null ? '' : ` (${digest.slice(0, 19)}…)`}`,
    ...findings.map(lineOf),
    'who vouches for what:',
    ...vouchers.map(({ what, who }) => `   ${named(who)}: ${what}`),
  ]
}

/** NOT_PROVED, naming what failed. */
export function notProved({ findings, index }: Verdict): KaosError {
  const bad = findings.filter(({ is }) => is === 'bad')
  const first = bad[0] ? `${bad[0].check}: ${bad[0].text}` : 'nothing was checked'
  const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : ''
  const { kind, name } = index.subject
  const message = `${kind} ${name} is not proved: ${first}${more}`
  return new KaosError('NOT_PROVED', `${message}; do not rely on it before you know why`)
}
