/* Signed statements: by whom, whether that key counted when the outcome was recorded, and whether they
 * say what the log says. */
import {
  type EnvelopeKey,
  envelopeIn,
  openEnvelope,
  PREDICATE_TYPE,
  type Provenance,
  type Statement,
} from '../attestation.ts'
import { hexOf } from '../digest.ts'
import { invocationOf, urnOf } from '../job-statement.ts'
import { publicKeyOf, type SigningKey } from '../signing-keys.ts'
import { thumbprintOf, type WorkerKey, type WorkerKeySet } from '../worker-keys.ts'
import { type Findings, messageOf } from './findings.ts'
import { type EvidenceIndex, type EvidenceNode, MEMBER } from './format.ts'
import type { ProvedGraph } from './graph-checks.ts'
import type { Said } from './log-checks.ts'
import { invalid, jsonIn, type Opened } from './open.ts'

export interface Ground {
  readonly opened: Opened
  readonly index: EvidenceIndex
  readonly graph: ProvedGraph
  readonly said: ReadonlyMap<number, Said>
  /** Of the installation. */
  readonly keys: readonly SigningKey[]
  readonly findings: Findings
}

/** A signed statement that stood every check. */
export interface Good {
  readonly node: EvidenceNode
  readonly subject: EvidenceNode
  readonly statement: Statement<unknown>
  /** Of a worker, and not of the installation itself. */
  readonly byWorker: boolean
}

/** All of them, each told. */
export function checkSignatures(ground: Ground): Good[] {
  const good: Good[] = []
  const { findings, graph } = ground
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'attestation') continue
    const [subject] = graph.up(node.id, 'wasDerivedFrom', 'subject')
    const about = subject ? `${subject.kind} ${subject.name ?? subject.id}` : 'nothing that is here'
    try {
      if (!subject) throw invalid('what it is about is not in the graph')
      good.push(checkOne(ground, node, subject, about))
    } catch (error) {
      findings.bad('signature', `statement about ${about}: ${messageOf(error)}`)
    }
  }
  return good
}

function checkOne(ground: Ground, node: EvidenceNode, subject: EvidenceNode, about: string): Good {
  const { findings, index, keys, opened } = ground
  const name = MEMBER.attestation(node.id)
  if (opened.hashes.get(name) !== node.attributes.sha256) {
    throw invalid('it is not the one that the log took with the outcome')
  }
  const envelope = envelopeIn(opened.members.get(name)!)
  const kid = String(node.attributes.kid)
  const worker = workerKeyOf(ground, node, kid)
  const own = keys.find(key => key.kid === kid)
  const key = worker ?? own
  if (!key) throw invalid(`nobody knows the key ${kid}`)
  const known: EnvelopeKey[] = [{ kid, publicKey: publicKeyOf(key) }]
  const { statement } = openEnvelope<unknown>(envelope, known, null)
  requireAbout(statement, subject)
  if (worker) {
    requireTrueToGraph(ground, node, subject, statement as Statement)
    const who = `worker ${worker.kaos_worker}`
    findings.good('signature', `${about}: signed by ${who} with key ${kid.slice(0, 8)}`)
    findings.vouch(who, `that it made ${about} ${howOf(statement as Statement)}`)
    if (worker.kaos_revoked !== undefined) {
      const after = `after this was recorded; find out why`
      findings.note(
        'signature',
        `key ${kid.slice(0, 8)} was revoked at ${worker.kaos_revoked}, ${after}`,
      )
    }
  } else {
    const what = statement.predicateType.replace(/^https?:\/\//, '')
    const { verdict } = statement.predicate as { verdict?: unknown }
    const said = typeof verdict === 'string' ? ` (${verdict})` : ''
    const by = `signed by installation key ${kid.slice(0, 8)}`
    findings.good('signature', `${about}: ${what}${said}, ${by}`)
    findings.vouch(`installation kaos/${index.installation}`, `for ${what} about ${about}`)
  }
  return { node, subject, statement, byWorker: worker !== undefined }
}

/** Of what, and when, in the worker's own words. */
function howOf({ predicate }: Statement): string {
  const { buildDefinition, runDetails } = predicate
  const named = (buildDefinition.resolvedDependencies ?? []).filter(({ annotations }) =>
    ['code', 'data', 'image', 'manifest'].includes(String(annotations?.role)),
  )
  const inputs = named.map(({ annotations, name }) => `${annotations?.role} ${name}`).join(', ')
  return `of ${inputs}, ended ${runDetails.metadata?.finishedOn}`
}

/** The worker's key, as the log knows it. Undefined when it is nobody's; throws when it did not count. */
function workerKeyOf(
  { graph, opened, said }: Ground,
  node: EvidenceNode,
  kid: string,
): WorkerKey | undefined {
  const { keys } = jsonIn<WorkerKeySet>(opened, MEMBER.workers)
  const key = keys.find(one => one.kid === kid)
  if (!key) return undefined
  if (thumbprintOf(key.x) !== kid) throw invalid(`key ${kid} is not what its name says`)
  requireStatement(said, key.kaos_enrolled_seq, 'worker.key-enrolled', key)
  if (key.kaos_enrolled_seq > node.seq) throw invalid('its key was enrolled only later')
  if (key.kaos_revoked_seq !== undefined) {
    requireStatement(said, key.kaos_revoked_seq, 'worker.key-revoked', key)
    if (key.kaos_revoked_seq < node.seq) throw invalid('its key had been revoked before')
  }
  const [signer] = graph.up(node.id, 'wasAttributedTo')
  if (signer?.id !== key.kaos_worker) throw invalid('its key is that of another worker')
  return key
}

function requireStatement(
  said: ReadonlyMap<number, Said>,
  seq: number,
  type: string,
  { kaos_worker: worker, kid, x }: WorkerKey,
): void {
  const statement = said.get(seq)
  const { detail = {} } = statement ?? {}
  const isEnrolment = type === 'worker.key-enrolled'
  const same = detail.kid === kid && detail.worker === worker && (!isEnrolment || detail.x === x)
  if (statement?.type === type && same) return
  throw invalid(`statement ${seq} is no ${type} of key ${kid}`)
}

function requireAbout({ subject }: Statement<unknown>, { digest }: EvidenceNode): void {
  const own = digest?.startsWith('sha256:') ? hexOf(digest as `sha256:${string}`) : undefined
  if (own !== undefined && subject.some(one => one.digest?.kaosTree === own)) return
  throw invalid('it is about other content')
}

/** What a worker says of a job is what the log says of it. */
function requireTrueToGraph(
  { graph, index, said }: Ground,
  node: EvidenceNode,
  subject: EvidenceNode,
  { predicate, predicateType }: Statement,
): void {
  if (predicateType !== PREDICATE_TYPE) throw invalid(`it states ${predicateType}`)
  const { installation } = index
  const [signer] = graph.up(node.id, 'wasAttributedTo')
  const { builder, metadata } = predicate.runDetails
  if (builder.id !== urnOf(installation, signer?.id ?? '')) throw invalid('it names another worker')
  const [activity] = graph.up(node.id, 'wasGeneratedBy')
  if (!activity) throw invalid('the job that it came from is not in the graph')
  const course = activity.kind === 'trial' ? activity.attributes : said.get(node.seq)?.detail
  const { attempt, number } = course ?? {}
  const invocation = invocationOf(installation, String(attempt), Number(number))
  if (node.attributes.attempt !== attempt || metadata?.invocationId !== invocation) {
    throw invalid('it is from another attempt than the one that was recorded')
  }
  if (activity.kind === 'trial' && !graph.up(subject.id, 'wasGeneratedBy').includes(activity)) {
    throw invalid('another training made this')
  }
  // The same data may be fetched again; a model or an image is made once.
  if (subject.kind !== 'data' && subject.seq !== node.seq) {
    throw invalid('it was not recorded with the outcome')
  }
  requireInputs(graph, activity, predicate)
}

/** Roles of what was used, as the graph names them and by which algorithm. */
const ROLES = { data: 'kaosTree', image: 'kaosTree', code: 'kaosTree', environment: 'kaosFile' }

function requireInputs(
  graph: ProvedGraph,
  activity: EvidenceNode,
  { buildDefinition }: Provenance,
): void {
  const jobs = [activity, ...graph.up(activity.id, 'wasInformedBy')]
  const named = buildDefinition.resolvedDependencies ?? []
  for (const [role, algorithm] of Object.entries(ROLES)) {
    const used = new Set(jobs.flatMap(job => graph.up(job.id, 'used', role)).map(one => one.digest))
    const said = named.filter(({ annotations }) => annotations?.role === role)
    const digests = said.map(({ digest }) => `sha256:${digest?.[algorithm]}`)
    const strange = digests.findIndex(digest => !used.has(digest))
    if (strange >= 0) throw invalid(`it names ${role} ${said[strange]?.name}, which was not used`)
    if (used.size > new Set(digests).size) throw invalid(`it is silent about ${role} that was used`)
  }
}
