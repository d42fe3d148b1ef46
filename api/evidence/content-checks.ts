/* The content: the folder's digest from its objects, and every file of it. Objects are believed as far
 * as the sha256 of their bytes goes, so a walk from the digest of the thing proves all of them. */
import { type Digest, digestOf, hexOf } from '../digest.ts'
import { sizeIn } from '../transfer/list.ts'
import { decodeTree } from '../tree.ts'
import { count, type Findings, messageOf } from './findings.ts'
import { type EvidenceIndex, type EvidenceNode, MEMBER } from './format.ts'
import type { ProvedGraph } from './graph-checks.ts'
import { invalid, type Opened } from './open.ts'

interface Counted {
  files: number
  bytes: number
}

/** Manifests are named by the sha256 of their bytes, which the graph or a signed statement names. */
export function checkManifests({ hashes }: Opened, findings: Findings): void {
  const prefix = MEMBER.manifest('').replace('.json', '')
  for (const [name, sha256] of hashes) {
    if (!name.startsWith(prefix) || name === MEMBER.manifest(sha256)) continue
    findings.bad('content', `${name} is not what it is called`)
  }
}

export function checkContent(
  opened: Opened,
  { content }: EvidenceIndex,
  graph: ProvedGraph,
  findings: Findings,
): void {
  if (content === null) {
    findings.note('content', 'its content is not here: it was removed, or has no folder of its own')
    return
  }
  const node = graph.nodes.get(content.entity)
  const counted: Counted = { files: 0, bytes: 0 }
  try {
    if (!node?.digest) throw invalid('whose content it is stands in no proved statement')
    walk(opened, node.digest as Digest, '', content.whole, counted)
    const extra = [...opened.content.keys()].length - (content.whole ? counted.files : 0)
    if (extra > 0) throw invalid(`${count(extra, 'file')} of content/ do not belong to it`)
    findings.good('content', textOf(node, content.whole, counted))
  } catch (error) {
    findings.bad('content', messageOf(error))
  }
}

function textOf(node: EvidenceNode, whole: boolean, { bytes, files }: Counted): string {
  const all = `${count(files, 'file')}, ${bytes} bytes`
  const digest = `${node.digest?.slice(0, 19)}…`
  if (whole) return `${all}: every byte is what ${digest} names`
  return `${all} are listed as ${digest} names them; the bytes themselves were not asked for`
}

function walk(opened: Opened, tree: Digest, path: string, whole: boolean, counted: Counted): void {
  for (const { digest, kind, name, size, within } of decodeTree(objectIn(opened, tree))) {
    const below = path === '' ? name : `${path}/${name}`
    if (kind === 'folder') {
      walk(opened, digest, below, whole, counted)
      continue
    }
    if (within === undefined && sizeIn(objectIn(opened, digest)) !== size) {
      throw invalid(`${below} has another size than its list says`)
    }
    counted.files++
    counted.bytes += size
    const file = opened.content.get(below)
    if (!whole) continue
    if (!file) throw invalid(`content/${below} is missing`)
    const same = file.digest === digest && file.size === size
    if (!same) throw invalid(`content/${below} holds other bytes than the digest names`)
    if (file.executable !== (kind === 'executable')) {
      throw invalid(`content/${below} is ${file.executable ? '' : 'not '}executable`)
    }
  }
}

function objectIn({ members }: Opened, digest: Digest): Buffer {
  const bytes = members.get(MEMBER.object(hexOf(digest)))
  if (bytes && digestOf(bytes) === digest) return bytes
  throw invalid(`${MEMBER.object(hexOf(digest))} is ${bytes ? 'not what it is called' : 'missing'}`)
}
