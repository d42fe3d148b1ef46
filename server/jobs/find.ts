/** The job that somebody means: its id, the unique beginning of one, or @latest (training). */
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Workspace } from '../parts.ts'
import type { Board } from './board.ts'
import { type Held, readRecord } from './reading.ts'
import { type JobRecord, keyOf } from './records.ts'

const CANDIDATES_SHOWN = 10
/** With the same beginning, among them those of bundles. */
const IMPORTS_MAX = 1000
const PREFIX = /^[0-9a-f]{4,31}$/

export async function findJob(
  board: Board,
  workspace: Workspace,
  text: string,
): Promise<Held<JobRecord>> {
  const id = isId(text) ? text : await resolved(board, workspace, text)
  const key = keyOf.job(workspace.id, id ?? text)
  const held = id && (await readRecord<JobRecord>(board.parts.ledger, key))
  if (!held) throw new KaosError('JOB_NOT_FOUND', `There is no job with id: ${text}`)
  return held
}

async function resolved(
  board: Board,
  workspace: Workspace,
  text: string,
): Promise<string | undefined> {
  if (text === '@latest') return (await nodes(board, workspace, 'train', '', 1))[0]?.id
  if (!PREFIX.test(text)) return undefined
  const limit = CANDIDATES_SHOWN + 1
  const found = await Promise.all([
    nodes(board, workspace, 'train', text, limit),
    nodes(board, workspace, 'build', text, limit),
    nodes(board, workspace, 'replay', text, limit),
    nodes(board, workspace, 'import', text, IMPORTS_MAX),
  ])
  const ids = found
    .flat()
    .filter(isJob)
    .map(node => node.id)
  if (ids.length < 2) return ids[0]
  const candidates = ids.slice(0, CANDIDATES_SHOWN)
  throw new KaosError('AMBIGUOUS', `"${text}" fits several jobs: ${candidates.join(', ')}`, {
    detail: { candidates },
  })
}

/** An import that is no ingestion is done in the call that asks for it. */
function isJob({ kind, attributes }: Node): boolean {
  return kind !== 'import' || attributes.role === 'ingest'
}

async function nodes(
  board: Board,
  workspace: Workspace,
  kind: string,
  idPrefix: string,
  limit: number,
): Promise<Node[]> {
  const { id, organisation } = workspace
  const prefix = idPrefix === '' ? {} : { idPrefix }
  return board.parts.ledger.nodes({ organisation, workspace: id, kind, limit, ...prefix })
}
