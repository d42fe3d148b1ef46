/* Workspaces. The name is a pointer to the workspace's node, so a killed one keeps its facts, and a
 * new one of the same name is another node and sees nothing of the old. */
import type { Actor } from '../../api/actor.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId, WORKSPACE_NAME } from '../../api/ids.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { People, Workspace, Workspaces } from '../parts.ts'

/** More workspaces than this in one organisation are not listed. */
const LISTED_MAX = 10_000

export interface WorkspacesRoom extends Workspaces {
  /** WORKSPACE_EXISTS when the name is in use, in whatever case it is written. */
  create(actor: Actor, name: string): Promise<Workspace>
  /** Takes the name away; what is there afterwards can only be asked by id. */
  remove(actor: Actor, workspace: Workspace): Promise<void>
}

interface Options {
  readonly ledger: Ledger
  readonly people: People
}

export function openWorkspaces({ ledger, people }: Options): WorkspacesRoom {
  async function viewOf(node: Node): Promise<Workspace> {
    const createdBy = await people.nameOf(String(node.attributes.createdBy))
    const { id, name = id, organisation, at: createdAt } = node
    return { id, name, organisation, createdAt, createdBy }
  }

  async function at(organisation: string, name: string): Promise<Workspace | undefined> {
    const pointer = await pointerAt(ledger, pointerName(organisation, name))
    const node = pointer && (await ledger.node(pointer.target))
    return node && viewOf(node)
  }

  return {
    async find(actor, name) {
      const found = WORKSPACE_NAME.test(name)
        ? await at(actor.organisation, name.toLowerCase())
        : undefined
      if (found) return found
      const next = 'see: kaos workspace list'
      throw new KaosError('WORKSPACE_NOT_FOUND', `there is no workspace ${name}; ${next}`)
    },

    async byId(id) {
      const node = await ledger.node(id)
      if (node?.kind !== 'workspace' || node.name === undefined) return undefined
      const pointer = await pointerAt(ledger, pointerName(node.organisation, node.name))
      return pointer?.target === id ? viewOf(node) : undefined
    },

    async list(actor) {
      const prefix = pointerName(actor.organisation, '')
      const pointers = await ledger.pointers(prefix, { limit: LISTED_MAX })
      const nodes = await Promise.all(pointers.map(pointer => ledger.node(pointer.target)))
      return Promise.all(nodes.filter(node => node !== undefined).map(viewOf))
    },

    async create(actor, asked) {
      const name = nameFrom(asked)
      try {
        await ledger.commit(creation(actor, name))
      } catch (error) {
        if (!isKaosError(error, 'CONFLICT')) throw error
        const next = `to use it: kaos workspace set -n ${name}`
        const message = `there is a workspace ${name} already; ${next}`
        throw new KaosError('WORKSPACE_EXISTS', message, { cause: error })
      }
      return this.find(actor, name)
    },

    async remove(actor, { id, name, organisation }) {
      const pointer = pointerName(organisation, name)
      await ledger.commit({
        actor: actor.id,
        organisation,
        expect: [{ pointer, target: id }],
        statements: [
          { type: 'workspace.killed', workspace: id, moves: [{ pointer, target: null }] },
        ],
      })
    },
  }
}

function creation(actor: Actor, name: string): Parameters<Ledger['commit']>[0] {
  const id = newId()
  const pointer = pointerName(actor.organisation, name)
  const attributes = { createdBy: actor.id }
  return {
    actor: actor.id,
    organisation: actor.organisation,
    expect: [{ pointer, target: null }],
    statements: [
      {
        type: 'workspace.created',
        workspace: id,
        nodes: [{ id, class: 'entity', kind: 'workspace', workspace: id, name, attributes }],
        edges: [{ from: id, relation: 'wasAttributedTo', to: actor.id }],
        moves: [{ pointer, target: id }],
      },
    ],
  }
}

function nameFrom(asked: string): string {
  if (WORKSPACE_NAME.test(asked)) return asked.toLowerCase()
  const rule = 'letters, digits and underscores, 64 at most'
  throw new KaosError('INVALID_NAME', `a workspace name has ${rule}`)
}

function pointerName(organisation: string, name: string): string {
  return `workspace/${organisation}/${name}`
}
