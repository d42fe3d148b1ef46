/* How versions and what they were made from are written in tables and lines. */
import type { Origin, VersionView } from '../../api/wire.ts'
import type { Cell, Table } from '../table.ts'
import { byteText, countText, localTime } from '../times.ts'

const MADE: Record<Origin['how'], string> = {
  pushed: 'pushed',
  trained: 'trained',
  fetched: 'fetched',
  built: 'built',
  derived: 'made',
}
/** What is told of a job's id: enough to name it. */
const SHORT_ID = 8

/** `3 files, 1.2 MB` */
export function sizeText({ files, bytes }: { files: number | null; bytes: number }): string {
  return files === null ? byteText(bytes) : `${countText(files, 'file')}, ${byteText(bytes)}`
}

/** `trained by job 1ed80bca from mnist:e23a2 (code), features@v3 (data)` */
export function originText({ how, job, from }: Origin): string {
  const by = job === null ? '' : ` by job ${job.slice(0, SHORT_ID)}`
  const sources = from.map(sourceText)
  return `${MADE[how]}${by}${sources.length === 0 ? '' : ` from ${sources.join(', ')}`}`
}

function sourceText({ reference, role }: Origin['from'][number]): string {
  return role === null || role === 'revision' ? reference : `${reference} (${role})`
}

export function versionsTable(versions: readonly VersionView[]): Table {
  const columns = ['version', 'digest', 'tags', 'size', 'when', 'who', 'from', 'message']
  return { columns, rows: versions.map(versionCells) }
}

function versionCells(version: VersionView): Cell[] {
  const { tree, tags, at, author, origin, message } = version
  return [
    `v${version.version}`,
    tree === null ? '' : tree.slice('sha256:'.length, 'sha256:'.length + 12),
    tags.join('\n'),
    sizeText(version),
    localTime(at),
    author,
    fromText(origin),
    message ?? '',
  ]
}

function fromText({ how, job, from }: Origin): string {
  const sources = from.map(sourceText)
  if (job !== null) return [`${MADE[how]} by ${job.slice(0, SHORT_ID)}`, ...sources].join('\n')
  return sources.join('\n')
}
