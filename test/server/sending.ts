/* Sends folders to a test server as the CLI does: over a real socket, with the transfer client. */
import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Digest } from '../../api/digest.ts'
import { rawOf } from '../../api/digest.ts'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import { type Channel, sendFolder } from '../../api/transfer/send.ts'

export type Headers = Record<string, string>

/** Files by path; one whose text begins with #! can be executed. */
export async function writeFolder(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    if (text.startsWith('#!')) await chmod(file, 0o755)
  }
}

export async function post(url: string, body: unknown, headers: Headers = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Begins an upload into the workspace; answers its id. */
export async function openUpload(base: string, workspace: string, headers: Headers = {}) {
  const answer = await post(`${base}/api/v1/workspaces/${workspace}/uploads`, {}, headers)
  assert.equal(answer.status, 201)
  return ((await answer.json()) as { upload: string }).upload
}

export interface Counted extends Channel {
  /** Objects that were sent, so far. */
  readonly sent: () => number
}

export function channelTo(
  base: string,
  workspace: string,
  upload: string,
  headers: Headers = {},
): Counted {
  const url = `${base}/api/v1/workspaces/${workspace}/uploads/${upload}`
  let sent = 0
  return {
    sent: () => sent,
    async have(digests) {
      const answer = await fetch(`${url}/have`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', ...headers },
        body: Buffer.concat(digests.map(rawOf)),
      })
      assert.equal(answer.status, 200)
      return [...new Uint8Array(await answer.arrayBuffer())].map(Boolean)
    },
    async objects(frames) {
      const answer = await fetch(`${url}/objects`, {
        method: 'POST',
        headers: { 'content-type': FRAMES_TYPE, ...headers },
        body: Buffer.concat(frames),
      })
      assert.equal(answer.status, 200)
      sent += ((await answer.json()) as { objects: number }).objects
    },
  }
}

interface Bundle {
  kind: string
  folder: string
  tree: Digest
}

/** Sends the folder and asks to keep it; answers what the server said. */
export async function sendBundle(
  base: string,
  workspace: string,
  kind: string,
  folder: string,
  name: string,
): Promise<Response> {
  const upload = await openUpload(base, workspace)
  const { tree } = await sendFolder(folder, channelTo(base, workspace, upload))
  const bundle: Bundle = { kind, folder: name, tree }
  return post(`${base}/api/v1/workspaces/${workspace}/bundles`, { upload, ...bundle })
}
