/* A server with a remote to test against, and files as DVC keeps them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Node } from '../../graph/ledger.ts'
import { newestVersion, versionsBelow } from '../../server/catalogue/versions.ts'
import { openDvc } from '../../server/dvc/dvc.ts'
import { openLfs } from '../../server/lfs/lfs.ts'
import type { RemoteKind } from '../../server/remotes/objects.ts'
import { readFile, walkTree } from '../../store/trees.ts'
import { openTestApp, type TestApp, type TestOptions } from './open.ts'
import { type Headers, post } from './sending.ts'

export interface Remotes extends TestApp {
  readonly base: string
  /** Id of the workspace `mnist`. */
  readonly ws: string
  /** What the server does by itself from time to time. */
  settle(kind: RemoteKind): Promise<void>
}

/** Everybody needs a token on it if `local` is false. */
export async function openRemotes(t: TestContext, options: TestOptions = {}): Promise<Remotes> {
  const test = await openTestApp(t, options)
  const base = await test.listen()
  const headers = options.settings?.local === false ? bearer(await test.tokenOf('maintainer')) : {}
  assert.equal((await post(`${base}/api/v1/workspaces`, { name: 'mnist' }, headers)).status, 201)
  const { id: ws } = await test.parts.workspaces.find(test.parts.people.local, 'mnist')
  const settle = (kind: RemoteKind) => {
    return (kind === 'dvc' ? openDvc(test.parts) : openLfs(test.parts)).settle()
  }
  return { ...test, base, ws, settle }
}

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` }
}

export function basic(token: string): Headers {
  return { authorization: `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}` }
}

export function md5(bytes: string | Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Where DVC 3 keeps it. */
export function placeOf(hash: string): string {
  return `files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`
}

export interface DvcFolder {
  /** Place and bytes of each file. */
  readonly files: ReadonlyMap<string, string>
  /** Place and bytes of the list. */
  readonly list: { readonly place: string; readonly bytes: string; readonly md5: string }
}

/** The files as DVC brings them; its JSON has blanks behind commas and colons. */
export function dvcFolder(contents: Readonly<Record<string, string>>): DvcFolder {
  const paths = Object.keys(contents).toSorted()
  const rows = paths.map(path => `{"md5": "${md5(contents[path]!)}", "relpath": "${path}"}`)
  const bytes = `[${rows.join(', ')}]`
  const hash = md5(bytes)
  return {
    files: new Map(paths.map(path => [placeOf(md5(contents[path]!)), contents[path]!])),
    list: { place: `${placeOf(hash)}.dir`, bytes, md5: hash },
  }
}

export function put(url: string, body: string | Uint8Array, headers: Headers = {}) {
  return fetch(url, { method: 'PUT', body, headers })
}

/** Brings files and list, the list last. */
export async function pushFolder(remote: string, folder: DvcFolder): Promise<void> {
  for (const [place, bytes] of folder.files) {
    assert.ok((await put(`${remote}/${place}`, bytes)).ok)
  }
  assert.ok((await put(`${remote}/${folder.list.place}`, folder.list.bytes)).ok)
}

/** The versions of a repository, oldest first. */
export async function versionsOf({ parts, ws }: Remotes, repository: string): Promise<Node[]> {
  const versions = await Array.fromAsync(versionsBelow(parts.ledger, ws, repository))
  const nodes = await Promise.all(versions.map(({ entity }) => parts.ledger.node(entity)))
  return nodes.map(node => node ?? assert.fail()).reverse()
}

export async function newestOf({ parts, ws }: Remotes, repository: string): Promise<Node> {
  const version = (await newestVersion(parts.ledger, ws, repository)) ?? assert.fail('no version')
  return (await parts.ledger.node(version.entity)) ?? assert.fail('no entity')
}

/** Path and text of each file of an entity. */
export async function filesOf(
  { parts }: Remotes,
  { digest }: Node,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const { path, entry } of walkTree(parts.store, digest ?? assert.fail())) {
    files[path] = Buffer.concat(await Array.fromAsync(readFile(parts.store, entry))).toString()
  }
  return files
}
