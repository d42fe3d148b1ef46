/* A ledger for each test, in a folder of its own, with an agent and a clock that the test moves. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { newId } from '../../api/ids.ts'
import type { Commit, Ledger, NewEdge, NewNode, Receipt, Statement } from '../../graph/ledger.ts'

export type Open = (folder: string, options?: { now?: () => number }) => Promise<Ledger>

export const ORGANISATION = 'default'
export const NOON = Date.parse('2026-01-01T12:00:00.000Z')

export interface Stage {
  ledger: Ledger
  /** An agent that statement 0 made. */
  actor: string
  /** What the ledger's clock shows, ms since 1970. */
  clock: number
  folder: string
  /** Commits as the actor. */
  commit(commit: Omit<Commit, 'actor' | 'organisation'>): Promise<Receipt>
  /** Commits one statement as the actor and returns its number. */
  say(statement: Omit<Statement, 'type'>): Promise<number>
  reopen(): Promise<void>
}

export function stagePerTest(open: Open): Stage {
  const stage = {
    clock: NOON,
    commit: commit => {
      return stage.ledger.commit({ actor: stage.actor, organisation: ORGANISATION, ...commit })
    },
    async say(statement) {
      const { seqs } = await stage.commit({ statements: [{ type: 'test.said', ...statement }] })
      return seqs[0]!
    },
    async reopen() {
      await stage.ledger.close()
      stage.ledger = await open(stage.folder, { now: () => stage.clock })
    },
  } as Stage
  beforeEach(async () => {
    stage.folder = await mkdtemp(join(tmpdir(), 'kaos-ledger-'))
    stage.clock = NOON
    stage.ledger = await open(stage.folder, { now: () => stage.clock })
    const founder = agent()
    stage.actor = founder.id
    await stage.say({ nodes: [founder] })
  })
  afterEach(async () => {
    await stage.ledger.close()
    await rm(stage.folder, { recursive: true })
  })
  return stage
}

export function agent(more: Partial<NewNode> = {}): NewNode {
  return { id: newId(), class: 'agent', kind: 'user', attributes: {}, ...more }
}

export function entity(more: Partial<NewNode> = {}): NewNode {
  return { id: newId(), class: 'entity', kind: 'data', attributes: {}, ...more }
}

export function activity(more: Partial<NewNode> = {}): NewNode {
  return { id: newId(), class: 'activity', kind: 'trial', attributes: {}, ...more }
}

export function derived(from: NewNode, to: NewNode): NewEdge {
  return { from: from.id, relation: 'wasDerivedFrom', to: to.id }
}

export function idsOf(nodes: readonly { id: string }[]): string[] {
  return nodes.map(node => node.id)
}
