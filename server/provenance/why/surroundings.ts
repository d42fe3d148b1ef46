/* What something ran in: of its own environment and that of the build of its image, what is the same
 * for every run that would come out the same. */

import { isKaosError } from '../../../api/errors.ts'
import type { Json, Node } from '../../../graph/ledger.ts'
import type { Store } from '../../../store/store.ts'
import { readSmallFile } from '../../../store/trees.ts'

export interface Surroundings {
  /** Version by name. */
  readonly packages: ReadonlyMap<string, string>
  /** Images that the image was built on. */
  readonly base: string
  /** Interpreter, system, machine: the rest, each as a text. */
  readonly facts: ReadonlyMap<string, string>
}

/** They name the image itself, or what was asked for, which are inputs of their own. */
const ELSEWHERE = new Set(['image', 'imageId', 'manifest', 'limits', 'packages', 'base', 'runner'])
const RECORD_MAX = 16 * 1024 * 1024

/** `run` wins over `build`, which knows what is inside an image. */
export async function surroundingsOf(
  store: Pick<Store, 'get'>,
  run: Node | undefined,
  build: Node | undefined,
): Promise<Surroundings> {
  const all = { ...(await recordOf(store, build)), ...(await recordOf(store, run)) }
  const facts = Object.entries(all).filter(([name]) => !ELSEWHERE.has(name))
  return {
    packages: packagesIn(all.packages),
    base: all.base === undefined ? '' : baseText(all.base),
    facts: new Map(facts.map(([name, value]) => [name, textOf(value)])),
  }
}

async function recordOf(
  store: Pick<Store, 'get'>,
  node: Node | undefined,
): Promise<Record<string, Json>> {
  if (node?.digest === undefined) return {}
  try {
    const bytes = await readSmallFile(store, node.digest, RECORD_MAX)
    return JSON.parse(bytes.toString('utf8')) as Record<string, Json>
  } catch (error) {
    // Its main facts stand in the ledger even if the record was purged.
    if (!isKaosError(error)) throw error
    return { ...node.attributes }
  }
}

/** `{numpy: "1.26"}`, or `["numpy==1.26"]`. */
function packagesIn(value: Json | undefined): Map<string, string> {
  if (Array.isArray(value)) {
    const pairs = value.map(String).map(line => line.split('=='))
    return new Map(pairs.map(([name = '', version = '']) => [name.toLowerCase(), version]))
  }
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(Object.entries(value).map(([name, one]) => [name.toLowerCase(), String(one)]))
}

/** `python:3.12@sha256:…` where its digest is known. */
function baseText(base: Json): string {
  if (!Array.isArray(base)) return textOf(base)
  return base
    .map(one => {
      const { name, id, digests } = Object(one) as { name?: Json; id?: Json; digests?: Json }
      const [digest] = Array.isArray(digests) ? digests : []
      return `${String(name ?? '')} ${String(digest ?? id ?? '')}`.trim()
    })
    .join(', ')
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
