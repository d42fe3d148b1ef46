/* Kits that arrive, without a registry in front: unpacked, planned, committed as it does. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { newId } from '../../../api/ids.ts'
import type { Node } from '../../../graph/ledger.ts'
import type { Workspace } from '../../../server/parts.ts'
import type { Additions } from '../../../server/registry/hooks.ts'
import { readFile, walkTree } from '../../../store/trees.ts'
import { streamOf } from '../../store/bytes.ts'
import { openTestApp, type TestApp } from '../open.ts'
import { type Kit, sha256 } from './kit.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

export interface Scene extends TestApp {
  readonly workspace: Workspace
}

export async function openScene(t: TestContext): Promise<Scene> {
  const opened = await openTestApp(t)
  const { people, workspaces } = opened.parts
  await opened.app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name: 'legal' } })
  return { ...opened, workspace: await workspaces.find(people.local, 'legal') }
}

export type Sent = Pick<Kit, 'manifest' | 'blobs'>

/** Unpacks the kit as the registry does, and commits what it adds. */
export async function arrive(
  { parts, workspace }: Scene,
  { manifest, blobs }: Sent,
  repository = 'chat',
  files?: ReadonlyMap<string, Digest>,
): Promise<(Additions & { artifact: Node }) | undefined> {
  const { ledger, people } = parts
  const artifact = newId()
  const arrived = await parts.kits.arrived({
    actor: people.local,
    workspace,
    repository,
    artifact,
    mediaType: MANIFEST,
    bytes: manifest,
    session: newId(),
    host: 'kaos.test:8080',
    ...(files && { files }),
    blob: digest => streamOf([blobs.get(digest)!]),
  })
  const added = await arrived?.plan()
  if (!added) return undefined
  const of = { class: 'entity', kind: 'artifact', workspace: workspace.id } as const
  const node = { id: artifact, ...of, attributes: added.attributes }
  const { edges, moves } = added
  await ledger.commit({
    actor: people.local.id,
    organisation: workspace.organisation,
    expect: added.expect,
    statements: [
      { type: 'artifact.pushed', nodes: [node, ...added.nodes], edges, moves },
      ...added.statements,
    ],
  })
  return { ...added, artifact: (await ledger.node(artifact))! }
}

async function filesOf({ parts: { store } }: Scene, node: Node | undefined) {
  const files: Record<string, string> = {}
  for await (const { path, entry } of walkTree(store, node!.digest!)) {
    const bytes = Buffer.concat(await Array.fromAsync(readFile(store, entry)))
    files[path] = `${entry.kind === 'executable' ? '*' : ''}${bytes}`
  }
  return files
}

/** The parts by their names, each with its kind, entity and files. */
export async function partsOf(scene: Scene, { artifact }: { artifact: Node }) {
  const listed = artifact.attributes.parts as { name: string; kind: string; entity: string }[]
  const found = listed.map(async ({ name, kind, entity }) => {
    const node = await scene.parts.ledger.node(entity)
    assert.equal(node?.kind, kind)
    return [name, { node, files: await filesOf(scene, node) }] as const
  })
  return Object.fromEntries(await Promise.all(found))
}

/** A kit with one layer that is given as it is. */
export function withLayer(kind: string, path: string, bytes: Buffer, suffix = ''): Sent {
  const digest = sha256(bytes)
  const list = kind === 'dataset' ? 'datasets' : kind
  const entry = { name: path, path, digest, diffId: digest }
  const config = Buffer.from(JSON.stringify({ manifestVersion: '1.0.0', [list]: [entry] }))
  const manifest = {
    schemaVersion: 2,
    config: {
      mediaType: 'application/vnd.kitops.modelkit.config.v1+json',
      digest: sha256(config),
      size: config.length,
    },
    layers: [
      {
        mediaType: `application/vnd.kitops.modelkit.${kind}.v1.tar${suffix}`,
        digest,
        size: bytes.length,
      },
    ],
  }
  return {
    manifest: Buffer.from(JSON.stringify(manifest)),
    blobs: new Map([
      [digest, bytes],
      [sha256(config), config],
    ]),
  }
}
