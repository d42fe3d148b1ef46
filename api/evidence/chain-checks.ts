/* What the thing came from: who signed it, and for what nobody signed, who brought it. */
import { count } from './findings.ts'
import type { EvidenceNode } from './format.ts'
import type { Good, Ground } from './signature-checks.ts'

/** Activities in which a worker makes something. */
const WORK = new Set(['trial', 'build'])
/** What comes of it that has to be signed. */
const SIGNED = new Set(['model', 'replica', 'image'])
const SHOWN = 5

export function checkChain(ground: Ground, signed: readonly Good[]): void {
  const { findings, graph, index } = ground
  const subject = graph.nodes.get(index.subject.entity)
  const { digest = null, kind } = subject ?? {}
  if (!subject || digest !== index.subject.digest || kind !== index.subject.kind) {
    findings.bad('subject', `${index.subject.name} is not what a proved statement says`)
    return
  }
  const served = index.serving?.model
  const main = (served && graph.nodes.get(served)) || subject
  checkServing(ground, subject)
  const bySubject = Map.groupBy(signed, one => one.subject.id)
  const unsigned: EvidenceNode[] = []
  for (const node of graph.nodes.values()) {
    if (node.class !== 'entity' || node.kind === 'attestation') continue
    const isWork = makersOf(ground, node).some(({ kind }) => WORK.has(kind))
    const isSigned = bySubject.get(node.id)?.some(one => one.byWorker) ?? false
    if (isWork && !isSigned && SIGNED.has(node.kind)) unsigned.push(node)
    if (!isWork) tellBringer(ground, node)
  }
  const own = unsigned.includes(main)
  if (own) findings.bad('signature', `nobody signed ${main.kind} ${main.name ?? main.id}`)
  else if (!bySubject.has(main.id) && makersOf(ground, main).some(({ kind }) => WORK.has(kind))) {
    findings.note('signature', `nobody signed ${main.kind} ${main.name ?? main.id} itself`)
  }
  const others = unsigned.filter(node => node !== main)
  if (others.length > 0) {
    const names = others.slice(0, SHOWN).map(({ kind, name, id }) => `${kind} ${name ?? id}`)
    const more = others.length > SHOWN ? ' …' : ''
    findings.note('chain', `nobody signed ${names.join(', ')}${more}, which it came from`)
  }
  if (index.truncated) findings.note('chain', 'there is more upstream than the evidence holds')
  const entities = [...graph.nodes.values()].filter(node => node.class === 'entity')
  findings.good('chain', `${count(entities.length, 'thing')} in its history, each proved above`)
}

function makersOf({ graph }: Ground, node: EvidenceNode): EvidenceNode[] {
  return graph.up(node.id, 'wasGeneratedBy')
}

/** Inputs that people brought are vouched for by who brought them, as the server knew them. */
function tellBringer({ findings, graph }: Ground, node: EvidenceNode): void {
  if (!['data', 'source', 'model', 'artifact', 'manifest'].includes(node.kind)) return
  const [who] = graph.up(node.id, 'wasAttributedTo')
  if (!who) return
  findings.vouch(`${who.kind} ${who.id}`, `for bringing ${node.kind} ${node.name ?? node.id}`)
}

function checkServing({ findings, graph, index }: Ground, subject: EvidenceNode): void {
  if (!index.serving) return
  const { endpoint, live, model } = index.serving
  const [deployment] = graph.up(subject.id, 'wasGeneratedBy')
  const used = deployment ? graph.up(deployment.id, 'used', 'model') : []
  if (subject.name !== endpoint || used[0]?.id !== (model ?? undefined)) {
    findings.bad('serving', `the log does not say that ${endpoint} serves this`)
    return
  }
  const what = used[0] ? `model ${used[0].name ?? used[0].id}` : 'no model of the ledger'
  const since = `deployed in statement ${subject.seq}`
  if (live) findings.good('serving', `${endpoint} serves ${what}, ${since}`)
  else findings.note('serving', `${endpoint} served ${what}, ${since}; it does no longer`)
}
