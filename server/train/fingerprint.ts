/** What a training is by its inputs: the pointer that names the job that has done it, and the branch
 * that its models are named by. */
import { createHash } from 'node:crypto'
import { shortDigest } from '../../api/ids.ts'
import type { NewNode } from '../../graph/ledger.ts'

type Grid = { readonly hash: string; readonly digest: string } | null | undefined

export function fingerprintOf(workspace: string, image: string, data: string, grid: Grid): string {
  const inputs = JSON.stringify([image, data, grid?.digest ?? null])
  return `trained/${workspace}/${createHash('sha256').update(inputs).digest('hex')}`
}

/** `e23a2_9fd9d`, for a grid `e23a2_9fd9d_3fbf2`. */
export function branchOf(source: NewNode, data: NewNode, grid: Grid): string {
  const parts = [shortDigest(source.digest!), shortDigest(data.digest!), grid?.hash]
  return parts.filter(part => part !== undefined).join('_')
}
