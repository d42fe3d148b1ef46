/* A workspace as a file for other tools: its run events as OpenLineage, one JSON text to a line, or its
 * whole graph as PROV-JSON. */
import { KaosError } from '../../api/errors.ts'
import { provJson } from '../../graph/exports/prov-json.ts'
import type { Edge, Ledger, Node } from '../../graph/ledger.ts'
import type { Payload } from '../../graph/payload.ts'
import type { Workspace } from '../parts.ts'
import { endEvent, TOLD } from './run-events.ts'

export type ExportFormat = 'openlineage' | 'prov'

export const EXPORT_TYPES = {
  openlineage: 'application/x-ndjson',
  prov: 'application/json',
} as const

const PAGE = 1000
/** A document is one text, and others read it as one. */
const THINGS_MAX = 200_000

export async function* exported(
  ledger: Ledger,
  workspace: Workspace,
  format: ExportFormat,
): AsyncGenerator<Uint8Array> {
  if (format === 'prov') yield Buffer.from(JSON.stringify(await wholeDocument(ledger, workspace)))
  else yield* eventLines(ledger, workspace)
}

/** Newest first, kind by kind: the order of events tells nothing. */
async function* eventLines(
  ledger: Ledger,
  { id, organisation, name }: Workspace,
): AsyncGenerator<Uint8Array> {
  for (const kind of TOLD) {
    const query = { organisation, workspace: id, kind, limit: PAGE }
    for (let olderThan: string | undefined; ; ) {
      const page = await ledger.nodes({ ...query, ...(olderThan !== undefined && { olderThan }) })
      for (const node of page) {
        const event = await endEvent(ledger, node, name)
        if (event) yield Buffer.from(`${JSON.stringify(event)}\n`)
      }
      if (page.length < PAGE) break
      olderThan = page.at(-1)?.id
    }
  }
}

/** Read from the log, where every edge stands once. What of it was erased by law is not there. */
async function wholeDocument(ledger: Ledger, workspace: Workspace) {
  const nodes = new Map<string, Node>()
  const edges: Edge[] = []
  for (let from = 0; ; from += PAGE) {
    const page = await ledger.log(from, PAGE)
    for (const { payload, seq, at } of page) {
      const statement = payload === null ? undefined : (JSON.parse(payload) as Payload)
      if (statement?.workspace !== workspace.id) continue
      const { organisation } = statement
      for (const node of statement.nodes ?? [])
        nodes.set(node.id, { ...node, organisation, seq, at })
      for (const edge of statement.edges ?? []) edges.push({ ...edge, seq })
    }
    if (nodes.size > THINGS_MAX) throw tooMany(workspace)
    if (page.length < PAGE) break
  }
  // Agents belong to the installation.
  for (const end of new Set(edges.flatMap(({ from, to }) => [from, to]))) {
    const node = nodes.has(end) ? undefined : await ledger.node(end)
    if (node) nodes.set(end, node)
  }
  return provJson({ nodes: [...nodes.values()], edges }, ledger.id)
}

function tooMany({ name }: Workspace): KaosError {
  const message = `workspace ${name} has over ${THINGS_MAX} things: too many for one document`
  const next = 'export what one thing came from with kaos provenance show ID --format prov'
  return new KaosError('TOO_LARGE', `${message}; ${next}`)
}
