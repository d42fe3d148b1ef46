/* Folders on their way to the server: a bundle is looked at here first, so that a mistake costs no
 * upload; then sent by content, so that what is there already is not sent again, and what did not
 * change is not even read again. */
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
import { PushedFolder } from './pushed.ts'
import { byteText, countText } from './times.ts'

export const IGNORE_FILE = '.kaosignore'
/** How often an upload is taken up again after the connection was lost for longer than a restart. */
const RESUMES = 3
/** How often a folder is sent until the server has all of it. */
const ROUNDS = 3

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

export interface PushOptions {
  /** What the progress is called. */
  readonly label: string
  /** Where it is shown; undefined: nowhere. */
  readonly shown: Stream | undefined
  /** Where programs keep what can be made anew; undefined: nothing is remembered of the folder. */
  readonly cacheHome?: string | undefined
  /** Read every file, whatever is remembered. */
  readonly fresh?: boolean | undefined
  /** Instead of the default rules and the ignore file in the folder. */
  readonly ignores?: Ignores
}

/** A folder whose content is on the server, under an upload, but not yet anything there. */
export interface Pushed extends Sent {
  readonly upload: string
}

/** Sends a folder into the workspace (`base`), and has `keep` make something of it there. When the
 * server finds that something of it is missing or damaged, all of it is sent once more. */
export async function pushFolder<T>(
  client: Client,
  base: string,
  folder: string,
  options: PushOptions,
  keep: (pushed: Pushed) => Promise<T>,
): Promise<T> {
  const { cacheHome } = options
  const memory = cacheHome && new PushedFolder(cacheHome, folder, `${client.endpoint} ${base}`)
  const push = new Push(client, base, folder, options, memory || undefined)
  for (let round = 1; ; round++) {
    const pushed = await push.send(options.fresh === true || round > 1)
    try {
      const kept = await keep(pushed)
      await push.end()
      return kept
    } catch (error) {
      const over = isKaosError(error, 'UPLOAD_NOT_FOUND')
      if (!(over || isIncomplete(error)) || round === ROUNDS) throw error
    }
  }
}

/** Sends the bundle into the workspace and answers what the server calls it. */
export async function submitBundle(
  client: Client,
  base: string,
  bundle: LocalBundle,
  options: Omit<PushOptions, 'label' | 'ignores'>,
): Promise<BundleView> {
  const { kind, name } = bundle
  const label = `Compressing ${kind === 'data' ? 'data' : 'source'} bundle`
  const all = { ...options, label, ignores: await ignoresOf(bundle) }
  return pushFolder(client, base, bundle.folder, all, ({ upload, tree }) =>
    client.post<BundleView>(`${base}/bundles`, { upload, kind, folder: name, tree }),
  )
}

/** What would be sent, without a server. */
export async function measureBundle(bundle: LocalBundle): Promise<Sent & { name: string }> {
  const { shortDigest } = await import('../api/ids.ts')
  const everything: Channel = { have: async some => some.map(() => true), objects: async () => {} }
  const options = { label: '', shown: undefined, ignores: await ignoresOf(bundle) }
  const sent = await sendShown(bundle.folder, everything, options, {})
  return { ...sent, name: `${bundle.name}:${shortDigest(sent.tree)}` }
}

/** One folder on its way into one workspace. */
class Push {
  readonly #client: Client
  readonly #base: string
  readonly #folder: string
  readonly #options: PushOptions
  readonly #memory: PushedFolder | undefined
  #upload: string | undefined

  constructor(
    client: Client,
    base: string,
    folder: string,
    options: PushOptions,
    memory: PushedFolder | undefined,
  ) {
    this.#client = client
    this.#base = base
    this.#folder = folder
    this.#options = options
    this.#memory = memory
  }

  /** Goes on with the upload that was interrupted, if the server still knows it. */
  async send(fresh: boolean): Promise<Pushed> {
    const known = this.#upload ?? this.#memory?.upload
    try {
      return await this.#sendUnder(known ?? (await this.#begin()), fresh)
    } catch (error) {
      if (known === undefined || !isKaosError(error, 'UPLOAD_NOT_FOUND')) throw error
      return this.#sendUnder(await this.#begin(), fresh)
    }
  }

  /** Something was made of it: the server need not remember what was sent. */
  async end(): Promise<void> {
    if (this.#memory) this.#memory.upload = undefined
    const gone = this.#client.delete(`${this.#base}${path`/uploads/${this.#upload ?? ''}`}`)
    // It ends by itself later.
    await gone.catch(() => undefined)
  }

  async #begin(): Promise<string> {
    const { upload } = await this.#client.post<UploadView>(`${this.#base}/uploads`)
    if (this.#memory) this.#memory.upload = upload
    return upload
  }

  async #sendUnder(upload: string, fresh: boolean): Promise<Pushed> {
    this.#upload = upload
    const channel = await channelTo(this.#client, `${this.#base}${path`/uploads/${upload}`}`)
    const cache = this.#memory?.stats
    const how = { fresh, ...(cache !== undefined && { cache }) }
    const sent = await resumed(() => sendShown(this.#folder, channel, this.#options, how))
    return { ...sent, upload }
  }
}

async function sendShown(
  folder: string,
  channel: Channel,
  { label, shown, ignores }: PushOptions,
  how: { cache?: string; fresh?: boolean },
): Promise<Sent> {
  const { sendFolder } = await import('../api/transfer/send.ts')
  const progress = new Progress(label, shown)
  try {
    const sent = await sendFolder(folder, channel, {
      ...how,
      ignores: ignores ?? (await rulesOf([folder])),
      measure: shown?.isTTY === true,
      progress: ({ bytes, total = 0 }) => progress.show(bytes, total),
    })
    const size = `${countText(sent.files, 'file')}, ${byteText(sent.bytes)}`
    progress.end(`${size}, ${byteText(sent.sentBytes)} sent`)
    return sent
  } catch (error) {
    progress.stop()
    throw named(error, folder)
  }
}

/** The server lacks something of a tree, or cannot read it. */
function isIncomplete(error: unknown): boolean {
  return isKaosError(error, 'BAD_REQUEST') && typeof error.detail.digest === 'string'
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
function ignoresOf({ given, folder }: LocalBundle): Promise<Ignores> {
  return rulesOf([given, folder])
}

async function rulesOf(folders: readonly string[]): Promise<Ignores> {
  const { DEFAULT_IGNORED, defaultIgnores } = await import('../api/transfer/walk.ts')
  const files = folders.map(folder => join(folder, IGNORE_FILE)).filter(file => existsSync(file))
  if (files.length === 0) return defaultIgnores
  const { default: ignore } = await import('ignore')
  const rules = ignore({ allowRelativePaths: true }).add([...DEFAULT_IGNORED, IGNORE_FILE])
  for (const file of files) rules.add(readFileSync(file, 'utf8'))
  return (relative, folder) => rules.ignores(folder ? `${relative}/` : relative)
}

/** The walk names paths inside the folder; a person needs to know which folder. */
function named(error: unknown, folder: string): unknown {
  if (!isKaosError(error, 'INVALID_BUNDLE') || error.detail.path === undefined) return error
  const message = `${basename(resolve(folder))}: ${error.message}`
  return new KaosError('INVALID_BUNDLE', message, { detail: error.detail, cause: error })
}
