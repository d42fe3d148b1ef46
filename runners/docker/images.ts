/* Images in the engine. kaos runs an image by its id, never by a name that may move. Which id
 * belongs to a manifest is kept in the engine itself, as the tag `kaos/pin:<hex of the manifest>`;
 * an engine without that tag gets the image back from its layout, out of the store. */
import { Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import { pack } from 'tar-stream'
import type { Image } from '../../api/attempts.ts'
import { type Digest, hexOf, isDigest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { type Engine, isGone, reaching, refused, statusOf, translated } from './engine.ts'
import { eventsOf } from './events.ts'
import { blobPath, type Layout, readLayout } from './oci.ts'
import { addBytes, addFile } from './tar.ts'

const PIN = 'kaos/pin'

export type ImageInfo = Dockerode.ImageInspectInfo

/** The name under which the engine keeps the image of a manifest. */
export function pinOf(manifest: Digest): string {
  return `${PIN}:${hexOf(manifest)}`
}

/** Names an image by its manifest, so that `haveImage` finds it. */
export async function pinImage(engine: Engine, id: string, manifest: Digest): Promise<void> {
  await reaching(engine, () => engine.docker.getImage(id).tag({ repo: PIN, tag: hexOf(manifest) }))
}

/** The engine's record of an image; undefined if it has none. */
export async function lookUp(engine: Engine, name: string): Promise<ImageInfo | undefined> {
  try {
    return await reaching(engine, () => engine.docker.getImage(name).inspect())
  } catch (error) {
    // 400: no name that an engine could hold, so it holds none.
    if (isGone(error) || statusOf(error) === 400) return undefined
    throw error
  }
}

const SOUND_MAX = 10_000

/** Makes sure of images, each loaded once however many ask at the same time. */
export class Images {
  readonly #engine: Engine
  readonly #loading = new Map<string, Promise<ImageInfo>>()
  readonly #sound = new Set<string>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** The image as the engine has it; loads it where it lacks it. */
  async ensure(image: Image, layout: () => Promise<string>): Promise<ImageInfo> {
    if (isDigest(image.manifest)) {
      const found = await lookUp(this.#engine, pinOf(image.manifest))
      if (found !== undefined) return found
    }
    const key = image.manifest ?? image.tree
    const loading = this.#loading.get(key) ?? this.#load(image, layout)
    this.#loading.set(key, loading)
    try {
      return await loading
    } finally {
      this.#loading.delete(key)
    }
  }

  /** What `find` has against an image; asked once of each that there is nothing against, since what is
   * in it never changes. */
  async whyNot(what: string, find: () => Promise<string | undefined>): Promise<string | undefined> {
    if (this.#sound.has(what)) return undefined
    const why = await find()
    if (this.#sound.size >= SOUND_MAX) this.#sound.clear()
    if (why === undefined) this.#sound.add(what)
    return why
  }

  async #load(image: Image, layout: () => Promise<string>): Promise<ImageInfo> {
    const folder = await layout()
    const found = await readLayout(folder)
    if (image.manifest !== undefined && found.manifest !== image.manifest) {
      throw new KaosError(
        'OBJECT_DAMAGED',
        `the stored image ${image.name} has the manifest ${found.manifest}, not ${image.manifest}`,
      )
    }
    await loadLayout(this.#engine, folder, found)
    const info = await lookUp(this.#engine, pinOf(found.manifest))
    if (info === undefined || !isSame(info, found)) {
      const message = `the engine made another image than ${image.name} of what it was given`
      throw new KaosError('RUNNER_UNAVAILABLE', message, { detail: { id: info?.Id ?? null } })
    }
    return info
  }
}

/** An id is the config's digest or, in engines that keep images as containerd does, a manifest's:
 * then the layers must be the same. */
function isSame(info: ImageInfo, layout: Layout): boolean {
  if (info.Id === layout.config) return true
  const layers = info.RootFS?.Layers ?? []
  return layers.length > 0 && layers.join() === layout.diffIds.join()
}

/** Gives the engine a layout, in the archive form that engines of every age read. */
async function loadLayout(engine: Engine, folder: string, layout: Layout): Promise<void> {
  const archive = archiveOf(folder, layout)
  try {
    const options = { quiet: true } as unknown as Record<string, never>
    const answer = await engine.docker.loadImage(archive, options)
    for await (const event of eventsOf(answer)) {
      if (event.error !== undefined) throw new Error(event.error)
    }
  } catch (error) {
    const known = translated(engine, error)
    if (known instanceof KaosError) throw known
    throw refused('the engine could not load the image from the store', error)
  } finally {
    archive.destroy()
  }
}

function archiveOf(folder: string, layout: Layout): Readable {
  const tar = pack()
  const names = (digest: Digest) => `blobs/sha256/${hexOf(digest)}`
  const entry = {
    Config: names(layout.config),
    RepoTags: [pinOf(layout.manifest)],
    Layers: layout.layers.map(names),
  }
  const fill = async () => {
    for (const digest of new Set([layout.config, ...layout.layers])) {
      await addFile(tar, names(digest), blobPath(folder, digest))
    }
    await addBytes(tar, { name: 'manifest.json', mode: 0o644 }, JSON.stringify([entry]))
    tar.finalize()
  }
  fill().catch(error => tar.destroy(error))
  return Readable.from(tar, { objectMode: false })
}
