/* The ledger: facts, in order, provable, and the graph that people ask.
 *
 * A *statement* is a fact. Statements are numbered 0, 1, 2 … without gaps; each is a leaf of one
 * Merkle tree (RFC 6962): leaf hash = SHA-256(0x00 || salt || payload), payload = canonical JSON
 * (RFC 8785) of the statement with its number, time, actor and organisation. The nodes, edges and
 * pointers it names are written in the same transaction: the graph is a projection of the log and
 * can be rebuilt from it.
 *
 * A *record* is a small mutable row beside the log: leases, tokens (hashed), sessions, heartbeats.
 *
 * Always true: a 2xx after `commit` is durable; a commit is seen whole or not at all; nodes, edges
 * and statements never change and never end; what moves is a pointer, and each move is a fact. */
import type { Json } from '../api/canonical.ts'
import type { Digest } from '../api/digest.ts'

export type { Json } from '../api/canonical.ts'

/** W3C PROV: the three kinds of thing. */
export type ProvClass = 'entity' | 'activity' | 'agent'

/** W3C PROV relations. An edge points upstream: from what came later to what it came from
 * (activity used entity; entity wasGeneratedBy activity; entity wasDerivedFrom entity; activity
 * wasAssociatedWith agent; entity wasAttributedTo agent; activity wasInformedBy activity;
 * entity hadMember entity). */
export const RELATIONS = [
  'used',
  'wasGeneratedBy',
  'wasDerivedFrom',
  'wasAssociatedWith',
  'wasAttributedTo',
  'wasInformedBy',
  'hadMember',
] as const
export type Relation = (typeof RELATIONS)[number]

export interface NewNode {
  /** 32 hex digits, UUIDv7. */
  readonly id: string
  readonly class: ProvClass
  /** Our word: source, data, hyperparams, image, environment, model, revision (entities); import,
   * build, train, trial, deploy (activities); user, robot, worker, system (agents). */
  readonly kind: string
  /** Absent for what belongs to the installation: agents. */
  readonly workspace?: string
  /** Of the tree or file, for entities that have content. */
  readonly digest?: Digest
  /** What a person types: `mnist:e23a2`, `e23a2_9fd9d:b82151`. Not unique; the newest match counts. */
  readonly name?: string
  readonly attributes: { readonly [key: string]: Json }
}

export interface Node extends NewNode {
  readonly organisation: string
  /** Number and time (RFC 3339, UTC, milliseconds) of the statement that made it. */
  readonly seq: number
  readonly at: string
}

export interface NewEdge {
  readonly from: string
  readonly relation: Relation
  readonly to: string
  /** Role of the thing in the relation: `code`, `data`, `image`, `model`, … (PROV role). */
  readonly role?: string
}

export interface Edge extends NewEdge {
  readonly seq: number
}

/** Moves a pointer to a node id or a word; `null` takes it away. */
export interface Move {
  readonly pointer: string
  readonly target: string | null
}

export interface Pointer {
  readonly name: string
  readonly target: string
  readonly seq: number
  readonly at: string
}

/** Takes a payload out of the log by law. Its leaf stays, so every proof stays good; what the
 * statement made stays in the graph without name and attributes, so what came later still stands. */
export interface Erasure {
  readonly seq: number
  /** Digest of what it made and what stays (graph/erasure.ts works it out): an edit of that is found
   * although the log can no longer say it. */
  readonly remains: string
}

/** One fact: what happened (`type`, past tense: `bundle.imported`, `trial.finished`), in which
 * workspace, and what it adds to the graph. A node that is already there with another content is a
 * CONFLICT, and so is an edge that is already there in another role; the same again has no effect.
 * An edge needs both its nodes, in the graph or in this commit. */
export interface Statement {
  readonly type: string
  readonly workspace?: string
  readonly nodes?: readonly NewNode[]
  readonly edges?: readonly NewEdge[]
  readonly moves?: readonly Move[]
  /** CONFLICT when one was erased before; BAD_REQUEST for what is not there or is itself an erasure. */
  readonly erases?: readonly Erasure[]
  /** Anything else worth proving: reason of a kill, times, counts. */
  readonly detail?: { readonly [key: string]: Json }
}

/** Writes or (value null) deletes a record. `expires` in ms since 1970: gone from that moment on. */
export interface RecordWrite {
  readonly key: string
  readonly value: Json
  readonly expires?: number
}

export interface LedgerRecord {
  readonly key: string
  readonly value: Json
  /** Grows with each write of the key, also after it was absent; not by one. 0 means absent. */
  readonly version: number
  readonly expires?: number
}

/** Compare and set: a record's version (0: must be absent) or a pointer's target (null: must be
 * absent). */
export type Expectation =
  | { readonly record: string; readonly version: number }
  | { readonly pointer: string; readonly target: string | null }

export interface Commit {
  /** Agent id; the agent's node must be in the graph or in this commit. */
  readonly actor: string
  readonly organisation: string
  readonly expect?: readonly Expectation[]
  readonly statements?: readonly Statement[]
  readonly records?: readonly RecordWrite[]
}

export interface Receipt {
  /** Number of each statement, in order. */
  readonly seqs: readonly number[]
  /** The ledger's clock, RFC 3339. */
  readonly at: string
  /** Version of each record that was written, in order; 0 for a deleted one. Reading it afterwards
   * would be a race: somebody else may have written since. */
  readonly versions: readonly number[]
}

export interface NodeQuery {
  readonly organisation: string
  readonly workspace?: string
  readonly kind?: string
  readonly name?: string
  readonly digest?: Digest
  /** Ids that begin so. */
  readonly idPrefix?: string
  /** Only what was known after statement number asOf (inclusive). */
  readonly asOf?: number
  /** Only nodes made by statements before this number. */
  readonly before?: number
  /** Only nodes made by statements after this number. */
  readonly after?: number
  /** Only nodes older than this one, the last of a page: the next page. (One statement may make
   * many nodes, so a page can end in the middle of it.) */
  readonly olderThan?: string
  /** At most this many, 1,000 at most; default 100. Newest first. */
  readonly limit?: number
}

export interface LineageQuery {
  /** 'up': what it came from; 'down': what came from it. */
  readonly direction: 'up' | 'down'
  /** Steps; absent: all. */
  readonly depth?: number
  /** Only along these, and only these among the edges of the answer; absent: all. */
  readonly relations?: readonly Relation[]
  readonly asOf?: number
  /** At most this many nodes besides the start, the nearest, default 10,000; then `truncated`. */
  readonly limit?: number
}

export interface Graph {
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
  readonly truncated: boolean
}

/** A statement as the log keeps it. `payload` null: erased by law; the leaf stays. */
export interface LogEntry {
  readonly seq: number
  readonly at: string
  /** 64 hex digits. */
  readonly leaf: string
  readonly payload: string | null
  /** 32 hex digits; with the payload it proves the leaf. Erased together with the payload. */
  readonly salt: string | null
}

export interface Head {
  /** Statements in the log. */
  readonly size: number
  /** Root of the Merkle tree over all leaves, 64 hex digits (RFC 6962 MTH). */
  readonly root: string
}

export interface Ledger {
  /** Made with the ledger and never changed: 32 hex digits. */
  readonly id: string

  /** Writes statements and records in one transaction. Resolves when it is durable; concurrent
   * commits may share one disk sync. CONFLICT when an expectation does not hold, and then nothing
   * of this commit is written while others that shared the sync are. BAD_REQUEST when a statement
   * is not well formed (edge without node, unknown relation, over 1 MiB). */
  commit(commit: Commit): Promise<Receipt>

  /** The node, or undefined. */
  node(id: string): Promise<Node | undefined>

  /** Nodes that fit, newest first. */
  nodes(query: NodeQuery): Promise<Node[]>

  /** The node with everything up- or downstream of it, each node and edge once; edges between any
   * two nodes of the answer. The start node is among the nodes, first. Runs off the main thread.
   * An unknown id gives an empty graph. */
  lineage(id: string, query: LineageQuery): Promise<Graph>

  /** Pointers whose name begins so, by name (order of their UTF-8 bytes). asOf: as they stood after
   * that statement. `after`: names greater than that. */
  pointers(
    prefix: string,
    options?: { asOf?: number; after?: string; limit?: number },
  ): Promise<Pointer[]>

  /** Records whose key begins so, by key, without expired ones. `after`: keys greater than that. */
  records(prefix: string, options?: { after?: string; limit?: number }): Promise<LedgerRecord[]>

  /** Statements from a number on, by number. `leaves`: without payloads and salts (both null), for
   * whoever only needs the tree. */
  log(from: number, limit: number, options?: { leaves?: boolean }): Promise<LogEntry[]>

  /** Size and root of the log as it stands. */
  head(): Promise<Head>

  /** Rehashes the whole log and compares it with leaves, root and projection; says what differs.
   * Runs off the main thread. An empty answer: all is well. */
  verify(): Promise<string[]>

  /** Finishes running commits and lets go. */
  close(): Promise<void>
}
