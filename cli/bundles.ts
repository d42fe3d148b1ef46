/* Bundles on their way to the server: looked at here first, so that a mistake costs no upload; then
 * sent by content, so that what is there already is not sent again. */
import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type BundleKind, bundleFolder, folderName } from '../api/bundle.ts'
import type { Digest } from '../api/digest.ts'
import { isKaosError, KaosError } from '../api/errors.ts'
import type { Channel, Sent } from '../api/transfer/send.ts'
import type { Ignores } from '../api/transfer/walk.ts'
import type { BundleView, UploadView } from '../api/wire.ts'
import { type Client, path } from './client.ts'
import type { Stream } from './look.ts'
import { Progress } from './progress.ts'
import { byteText, countText } from './times.ts'

export const IGNORE_FILE = '.kaosignore'
/** How often an upload is taken up again after the connection was lost for longer than a restart. */
const RESUMES = 3

export interface LocalBundle {
  readonly kind: BundleKind
  /** The folder that was given. */
  readonly given: string
  /** The one in it that is the bundle. */
  readonly folder: string
  /** Its name in the store, without `:hash`. */
  readonly name: string
}

/** The one folder that is the bundle; what is in it is for the server to judge. */
export function findBundle(kind: BundleKind, given: string): LocalBundle {
  const seen = readdirSync(given, { withFileTypes: true }).filter(one => !one.name.startsWith('.'))
  const isFolder = (one: Dirent) =>
    statSync(join(given, one.name), { throwIfNoEntry: false })?.isDirectory()
  const folders = seen.filter(one => isFolder(one)).map(one => one.name)
  const files = seen.filter(one => !isFolder(one)).map(one => one.name)
  const child = bundleFolder(kind, given, folders, files)
  const folder = join(given, child)
  return { kind, given, folder, name: folderName(child) }
}

/** Sends the bundle into the workspace and answers what the server calls it. */
export async function submitBundle(
  client: Client,
  base: string,
  bundle: LocalBundle,
  shown: Stream | undefined,
): Promise<BundleView> {
  const { upload } = await client.post<UploadView>(`${base}/uploads`)
  const channel = await channelTo(client, `${base}${path`/uploads/${upload}`}`)
  const sent = await resumed(() => send(bundle, channel, shown))
  const view = await client.post<BundleView>(`${base}/bundles`, {
    upload,
    kind: bundle.kind,
    folder: bundle.name,
    tree: sent.tree,
  })
  return view
}

/** What would be sent, without a server. */
export async function measureBundle(bundle: LocalBundle): Promise<Sent & { name: string }> {
  const { shortDigest } = await import('../api/ids.ts')
  const everything: Channel = { have: async some => some.map(() => true), objects: async () => {} }
  const sent = await send(bundle, everything, undefined)
  return { ...sent, name: `${bundle.name}:${shortDigest(sent.tree)}` }
}

async function send(
  bundle: LocalBundle,
  channel: Channel,
  shown: Stream | undefined,
): Promise<Sent> {
  const { sendFolder } = await import('../api/transfer/send.ts')
  const ignores = await ignoresOf(bundle)
  const what = bundle.kind === 'data' ? 'data' : 'source'
  const progress = new Progress(`Compressing ${what} bundle`, shown)
  const total = shown?.isTTY === true ? await bytesIn(bundle.folder, ignores) : 0
  try {
    const sent = await sendFolder(bundle.folder, channel, {
      ignores,
      progress: ({ bytes }) => progress.show(bytes, total),
    })
    const size = `${countText(sent.files, 'file')}, ${byteText(sent.bytes)}`
    progress.end(`${size}, ${byteText(sent.sentBytes)} sent`)
    return sent
  } catch (error) {
    progress.stop()
    throw named(error, bundle)
  }
}

/** A connection lost for long is taken up again: the server knows what it has already. */
export async function resumed<T>(work: () => Promise<T>): Promise<T> {
  for (let left = RESUMES; ; left--) {
    try {
      return await work()
    } catch (error) {
      if (left === 0 || !isKaosError(error, 'UNREACHABLE')) throw error
    }
  }
}

/** The transfer protocol below this address. */
export async function channelTo(client: Client, base: string): Promise<Channel> {
  const { rawOf } = await import('../api/digest.ts')
  const { FRAMES_TYPE } = await import('../api/transfer/protocol.ts')
  return {
    async have(digests: readonly Digest[]) {
      const answer = await client.send(`${base}/have`, Buffer.concat(digests.map(rawOf)))
      return Array.from(answer, byte => byte === 1)
    },
    async objects(frames) {
      const [only] = frames
      const body = only !== undefined && frames.length === 1 ? only : Buffer.concat(frames)
      await client.send(`${base}/objects`, body, FRAMES_TYPE)
    },
  }
}

/** The default rules, and those of `.kaosignore` in the bundle or in the folder that was given. */
async function ignoresOf(bundle: LocalBundle): Promise<Ignores> {
  const { DEFAULT_IGNORED } = await import('../api/transfer/walk.ts')
  const { default: ignore } = await import('ignore')
  const rules = ignore({ allowRelativePaths: true }).add([...DEFAULT_IGNORED, IGNORE_FILE])
  for (const file of [join(bundle.given, IGNORE_FILE), join(bundle.folder, IGNORE_FILE)]) {
    if (existsSync(file)) rules.add(readFileSync(file, 'utf8'))
  }
  return (relative, folder) => rules.ignores(folder ? `${relative}/` : relative)
}

async function bytesIn(folder: string, ignores: Ignores): Promise<number> {
  const { walkFolder } = await import('../api/transfer/walk.ts')
  let total = 0
  for await (const step of walkFolder(folder, { ignores })) {
    if (step.kind === 'file') total += statSync(step.source, { throwIfNoEntry: false })?.size ?? 0
  }
  return total
}

/** The walk names paths inside the folder; a person needs to know which folder. */
function named(error: unknown, bundle: LocalBundle): unknown {
  if (!isKaosError(error, 'INVALID_BUNDLE') || error.detail.path === undefined) return error
  const message = `${basename(resolve(bundle.folder))}: ${error.message}`
  return new KaosError('INVALID_BUNDLE', message, { detail: error.detail, cause: error })
}
