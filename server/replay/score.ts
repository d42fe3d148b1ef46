/* How reproducible a model is: what is pinned, what was sent how, and what replays have shown. Points
 * are given for what is known, not for what may be; the total is their sum. */

import { isKaosError } from '../../api/errors.ts'
import type { ScoreItem, ScoreView } from '../../api/wire.ts'
import { canonical } from '../../graph/canonical.ts'
import type { Json, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { readSmallFile, walkTree } from '../../store/trees.ts'
import type { Board } from '../jobs/board.ts'
import type { Workspace } from '../parts.ts'
import { type Original, originalOf } from './original.ts'
import { requirementsOf } from './requirements.ts'
import { verdictIn } from './view.ts'

type Item = ScoreView['items'][number]

const WEIGHTS: Record<ScoreItem, number> = {
  image: 15,
  packages: 15,
  seeds: 15,
  data: 10,
  code: 10,
  git: 10,
  replays: 25,
}

interface Ground {
  readonly board: Board
  readonly original: Original
  readonly image: Node
  readonly source: Node
  readonly data: Node
  /** Newest first. */
  readonly verdicts: readonly Node[]
}

export async function scoreView(
  board: Board,
  workspace: Workspace,
  text: string,
): Promise<ScoreView> {
  const original = await originalOf(board, workspace, { model: text })
  const { job, model, train } = original
  const { ledger } = board.parts
  const node = async (id: string | null) => (await ledger.node(id!))!
  const ground: Ground = {
    board,
    original,
    image: await node(train.image),
    source: await node(train.source),
    data: await node(train.data),
    verdicts: await verdictsOn(board, model.id),
  }
  const items = [
    imageItem(ground),
    await packagesItem(ground),
    await seedsItem(ground),
    await contentItem(ground, 'data'),
    await contentItem(ground, 'code'),
    await gitItem(ground),
    replaysItem(ground),
  ]
  return {
    modelId: model.name ?? model.id,
    entity: model.id,
    job: job.id,
    score: items.reduce((sum, { points }) => sum + points, 0),
    of: items.reduce((sum, one) => sum + one.of, 0),
    items,
  }
}

/** Those in which it is the original. */
async function verdictsOn({ parts }: Board, model: string): Promise<Node[]> {
  const options = { direction: 'down', depth: 1, relations: ['wasDerivedFrom'] } as const
  const { nodes } = await parts.ledger.lineage(model, options)
  const verdicts = nodes.filter(({ kind, attributes }) => {
    return kind === 'verdict' && attributes.model === model
  })
  return verdicts.sort((a, b) => b.seq - a.seq)
}

/** `share`: of the points, from 0 to 1. */
function itemOf(item: ScoreItem, share: number, found: string, better: string): Item {
  const of = WEIGHTS[item]
  const points = Math.round(of * share)
  return { item, points, of, found, better: points === of ? null : better }
}

function imageItem({ image }: Ground): Item {
  const { kind, manifest } = image.attributes
  if (kind === 'oci') return itemOf('image', 1, `OCI image, pinned by ${String(manifest)}`, '')
  const found = `no image: interpreter and packages of the host, as ${image.name} lists them`
  return itemOf('image', 0.5, found, 'train with the docker runner, which pins the whole image')
}

async function packagesItem({ board, source }: Ground): Promise<Item> {
  const asked = await requirementsOf(board.parts.store, source.digest!)
  if (asked === undefined) {
    return itemOf('packages', 0, 'the code is not here any more', 'push the code again')
  }
  const { lines, unpinned, hashed } = asked
  if (lines.length === 0) return itemOf('packages', 1, 'requirements.txt asks for none', '')
  if (unpinned.length > 0) {
    const open = unpinned.slice(0, 5).join(', ')
    const found = `${unpinned.length} of ${lines.length} requirements leave the version open: ${open}`
    const share = (0.8 * (lines.length - unpinned.length)) / lines.length
    const better = 'pin them with ==, as kaos train checkout --pin does'
    return itemOf('packages', share, found, better)
  }
  if (hashed === lines.length) {
    return itemOf('packages', 1, 'all requirements are pinned by version and hash', '')
  }
  const found = 'all requirements are pinned by version'
  const better =
    'add hashes (pip-compile --generate-hashes), and what those packages need themselves'
  return itemOf('packages', 0.8, found, better)
}

const SEEDED = /\b(seed|random_state|manual_seed|default_rng|RandomState|PRNGKey|set_seed)\b/

async function seedsItem({ board, original, source, verdicts }: Ground): Promise<Item> {
  const known = verdicts.map(({ attributes }) => verdictIn(attributes))
  const better = 'seed every source of random numbers, then: kaos train reproduce --times 2'
  if (known.some(({ causes }) => causes.some(({ what }) => what === 'randomness'))) {
    return itemOf('seeds', 0, 'a replay showed random numbers without a seed', better)
  }
  if (known.some(({ verdict }) => verdict === 'identical')) {
    return itemOf('seeds', 1, 'a replay came out the same', '')
  }
  const values = (original.model.attributes.hyper as { values?: Json } | null)?.values ?? {}
  const file = /seed/i.test(canonical(values))
    ? 'the hyperparameters'
    : await seededFile(board.parts.store, source)
  if (file === undefined) return itemOf('seeds', 0, 'the code sets no seed that is known', better)
  const found = `${file} sets a seed; no replay has shown yet that it is enough`
  return itemOf('seeds', 0.6, found, 'try it: kaos train reproduce --times 2')
}

const FILES_READ = 200
const FILE_MAX = 256 * 1024

/** The first file of the program that speaks of a seed. */
async function seededFile(store: Store, source: Node): Promise<string | undefined> {
  let read = 0
  try {
    for await (const { path, entry } of walkTree(store, source.digest!)) {
      if (!path.startsWith('model/') || entry.size > FILE_MAX) continue
      if (++read > FILES_READ) return undefined
      const text = (await readSmallFile(store, entry, FILE_MAX)).toString('utf8')
      if (SEEDED.test(text)) return path
    }
  } catch (error) {
    if (!isKaosError(error)) throw error
  }
  return undefined
}

async function contentItem({ board, ...ground }: Ground, item: 'data' | 'code'): Promise<Item> {
  const node = item === 'data' ? ground.data : ground.source
  const { intake, presence } = board.parts
  const loss = await intake.relying((_, epoch) => presence.lossOf(node, epoch))
  if (loss === undefined) return itemOf(item, 1, `kept by content: ${node.name} ${node.digest}`, '')
  return itemOf(item, 0, loss.message, `push the same ${item} again`)
}

async function gitItem({ board, original }: Ground): Promise<Item> {
  const { git } = (await board.parts.ledger.node(original.job.id))?.attributes ?? {}
  const code = (git as { code?: { commit?: string; dirty?: boolean } } | undefined)?.code
  const better = 'deploy from a git work tree in which all is committed'
  if (!code?.commit) return itemOf('git', 0, 'the code was not sent from a git work tree', better)
  const commit = code.commit.slice(0, 12)
  if (code.dirty) return itemOf('git', 0.4, `commit ${commit}, with changes it lacks`, better)
  return itemOf('git', 1, `commit ${commit}, without changes`, '')
}

const SHARES = { identical: 1, 'within tolerance': 0.6, different: 0, failed: 0 } as const

function replaysItem({ verdicts, original }: Ground): Item {
  const again = `kaos train reproduce -m ${original.model.name ?? original.model.id}`
  const recorded = verdicts.filter(({ attributes }) => !verdictIn(attributes).fresh)
  const [newest] = recorded
  if (!newest) return itemOf('replays', 0, 'nobody has run it again', `run it again: ${again}`)
  const { verdict, causes } = verdictIn(newest.attributes)
  const why = causes.map(({ what }) => what).join(', ')
  const count = recorded.length === 1 ? 'one replay' : `${recorded.length} replays, the newest`
  const found = `${count}: ${verdict}${why === '' ? '' : ` (${why})`}`
  return itemOf('replays', SHARES[verdict], found, `mend what it found, train anew, then: ${again}`)
}
