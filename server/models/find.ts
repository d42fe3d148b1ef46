/** The model that somebody means: its id, a unique part of it, its entity id, or @latest. */
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Workspace } from '../parts.ts'

const PAGE = 1000
const CANDIDATES_SHOWN = 10

export async function findModel(ledger: Ledger, workspace: Workspace, text: string): Promise<Node> {
  if (isId(text)) {
    const node = await ledger.node(text)
    if (node?.kind === 'model' && node.workspace === workspace.id) return node
    throw noModel(workspace, text)
  }
  const [exact] = await models(ledger, workspace, text === '@latest' ? {} : { name: text })
  if (exact) return exact
  const matches: Node[] = []
  for await (const node of modelsOf(ledger, workspace)) {
    if (text !== '' && node.name?.includes(text)) matches.push(node)
    if (matches.length > CANDIDATES_SHOWN) break
  }
  const [match] = matches
  if (!match) throw noModel(workspace, text)
  if (matches.length === 1) return match
  const candidates = matches.slice(0, CANDIDATES_SHOWN).map(node => node.name!)
  throw new KaosError('AMBIGUOUS', `"${text}" fits several models: ${candidates.join(', ')}`, {
    detail: { candidates },
  })
}

/** All of a workspace, newest first. */
export async function* modelsOf(ledger: Ledger, workspace: Workspace): AsyncGenerator<Node> {
  const { id, organisation } = workspace
  const query = { organisation, workspace: id, kind: 'model', limit: PAGE }
  for (let olderThan: string | undefined; ; ) {
    const page = await ledger.nodes({ ...query, ...(olderThan === undefined ? {} : { olderThan }) })
    yield* page
    if (page.length < PAGE) return
    olderThan = page.at(-1)?.id
  }
}

async function models(
  ledger: Ledger,
  { id, organisation }: Workspace,
  how: { name?: string },
): Promise<Node[]> {
  return ledger.nodes({ organisation, workspace: id, kind: 'model', limit: 1, ...how })
}

function noModel(workspace: Workspace, text: string): KaosError {
  const message = `workspace ${workspace.name} has no model ${text}; see: kaos train list`
  return new KaosError('MODEL_NOT_FOUND', message)
}
