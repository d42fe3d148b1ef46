/* What people say of a repository: title, description, licence, keywords. Each change makes a new
 * entity that derives from the one before, and the pointer moves to it. */
import type { Actor } from '../../api/actor.ts'
import { newId } from '../../api/ids.ts'
import type { About, AboutChange } from '../../api/wire.ts'
import type { Expectation, Ledger, Node, Statement } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { People, Workspace } from '../parts.ts'
import { pointerOf } from './pointers.ts'

interface Texts {
  readonly title: string
  readonly description: string
  readonly licence: string
  readonly keywords: readonly string[]
}

const NOTHING: Texts = { title: '', description: '', licence: '', keywords: [] }

export async function aboutOf(
  { ledger, people }: { ledger: Ledger; people: People },
  ws: string,
  repository: string,
): Promise<About | null> {
  const node = await aboutNode(ledger, ws, repository)
  if (!node) return null
  const author = await people.nameOf(String(node.attributes.author))
  const { keywords, ...texts } = textsOf(node)
  return { ...texts, keywords: [...keywords], author, at: node.at }
}

async function aboutNode(ledger: Ledger, ws: string, repository: string) {
  const pointer = await pointerAt(ledger, pointerOf.about(ws, repository))
  return pointer && ledger.node(pointer.target)
}

/** What a commit must state for the change; undefined when all of it is so already. */
export async function planAbout(
  ledger: Ledger,
  actor: Actor,
  workspace: Workspace,
  repository: string,
  change: AboutChange,
): Promise<{ expect: Expectation[]; statement: Statement } | undefined> {
  const ws = workspace.id
  const before = await aboutNode(ledger, ws, repository)
  const old = before ? textsOf(before) : NOTHING
  const texts = { ...old, ...cleaned(change) }
  if (JSON.stringify(texts) === JSON.stringify(old)) return undefined
  const id = newId()
  const pointer = pointerOf.about(ws, repository)
  const attributes = { ...texts, keywords: [...texts.keywords], repository, author: actor.id }
  return {
    expect: [{ pointer, target: before?.id ?? null }],
    statement: {
      type: 'repository.described',
      workspace: ws,
      nodes: [{ id, class: 'entity', kind: 'description', workspace: ws, attributes }],
      edges: [
        { from: id, relation: 'wasAttributedTo', to: actor.id },
        ...(before
          ? [{ from: id, relation: 'wasDerivedFrom', to: before.id, role: 'revision' } as const]
          : []),
      ],
      moves: [{ pointer, target: id }],
    },
  }
}

/** As the ledger can keep it; of keywords each once. */
function cleaned({ keywords, ...texts }: AboutChange): Partial<Texts> {
  const given = Object.entries(texts).filter(([, text]) => text !== undefined)
  return {
    ...Object.fromEntries(given.map(([name, text]) => [name, text.toWellFormed().trim()])),
    ...(keywords && { keywords: [...new Set(keywords.map(one => one.toWellFormed().trim()))] }),
  }
}

function textsOf({ attributes }: Node): Texts {
  const { title, description, licence, keywords } = attributes
  return {
    title: String(title ?? ''),
    description: String(description ?? ''),
    licence: String(licence ?? ''),
    keywords: Array.isArray(keywords) ? keywords.map(String) : [],
  }
}
