/* Building: context to the engine, live log back, then the image out of the engine as a layout.
 *
 * The classic builder, because it needs no image registry for a front end and its log is plain. It
 * tells of failures in the stream, under status 200. Nothing is cached between builds: a bundle is
 * built once, and workspaces share nothing. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Environment } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { BuildOrder, Built, Place } from '../runner.ts'
import { FOLDER_LABEL, FOLDER_OPEN, folderOf, runsAsNobody } from '../sandbox.ts'
import { contextTar, listContext, privateName } from './context.ts'
import { type Dockerfile, readDockerfile, undeclared } from './dockerfile.ts'
import { type Engine, reaching, refused, statusOf, translated, wordsOf } from './engine.ts'
import { eventsOf } from './events.ts'
import { layoutFromArchive } from './export.ts'
import { type ImageInfo, lookUp, pinImage } from './images.ts'
import { engineName, removeBuilt, removeContainer, sweep } from './leavings.ts'
import { insideOf } from './probe.ts'
import { openFolder } from './program.ts'
import { BuildProgress } from './progress.ts'

const REASON_MAX = 3500
/** Label that kaos itself puts on each image; the others are the bundle's. */
const OWN_LABEL = 'kaos.image'

export interface BuildWork {
  readonly engine: Engine
  readonly order: BuildOrder
  readonly place: Place
  readonly log: (line: string) => void
  readonly signal: AbortSignal
  /** Facts of the host for the environment record. */
  readonly host: Environment
}

type Bases = ReadonlyMap<string, ImageInfo | undefined>

export async function build(work: BuildWork): Promise<Built> {
  const { engine, order, log, signal } = work
  signal.throwIfAborted()
  const text = await readFile(join(order.source, 'Dockerfile'), 'utf8')
  const file = readDockerfile(text, order.buildArgs)
  const against = whyNot(file)
  if (against !== undefined) return refusal(against)
  for (const name of undeclared(file, order.buildArgs)) {
    log(
      `warning: the Dockerfile does not declare the build argument ${name} (ARG ${name}): ignored`,
    )
  }
  const before = await basesOf(engine, file)
  const foreign = [...before].find(([, info]) => isBuilt(info))?.[0]
  if (foreign !== undefined) return refusal(foreignReason(foreign))
  const progress = new BuildProgress(log)
  let opened: string | undefined
  let done = false
  try {
    await runBuild(work, text, file, progress)
    signal.throwIfAborted()
    const { failure, image } = progress
    if (failure !== undefined) return failed(failure, progress, before)
    if (image === undefined) {
      // So it looks when the engine goes down, which cuts the stream of a build.
      const message = 'the engine ended the build without an image'
      throw new KaosError('RUNNER_UNAVAILABLE', message, { detail: { away: true } })
    }
    // What the engine really started from, should it have read the Dockerfile otherwise than we.
    const hidden = await firstBuilt(engine, progress.leavings.images, image)
    if (hidden !== undefined) return refusal(foreignReason(hidden))
    opened = await openedImage(work, image)
    const built = await takeOut(work, opened, file)
    done = true
    return built
  } catch (error) {
    signal.throwIfAborted()
    throw translated(engine, error)
  } finally {
    // The newest first: each stands on the one before.
    if (!done) for (const id of [opened, progress.image]) await removeBuilt(engine, id)
    await sweep(engine, progress.leavings, before, done ? opened : undefined)
  }
}

function refusal(reason: string): Built {
  return { state: 'failed', reason: reason.slice(0, REASON_MAX) }
}

/** What kaos has against a Dockerfile before the engine sees it. */
function whyNot(file: Dockerfile): string | undefined {
  if (file.syntax !== undefined) {
    return (
      `the Dockerfile asks for the front end "${file.syntax}" in its "# syntax=" line, which kaos ` +
      'does not use; remove that line'
    )
  }
  if (file.unclear === undefined) return undefined
  return (
    `kaos cannot tell which image the line "${file.unclear}" names, and must record it; write the ` +
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a Dockerfile writes it.
    'name, or a declared build argument as ${NAME} or ${NAME:-default}'
  )
}

function foreignReason(base: string): string {
  return (
    `the Dockerfile starts from ${base}, an image that kaos built for a job, perhaps of somebody ` +
    'else; start from an image that stands for itself'
  )
}

/** All workspaces build in one engine, and none may read another's images through a FROM line. */
function isBuilt(info: ImageInfo | undefined): boolean {
  return info?.Config.Labels?.[OWN_LABEL] !== undefined
}

async function firstBuilt(engine: Engine, images: readonly string[], own: string) {
  for (const id of images) {
    const info = await lookUp(engine, id)
    if (info !== undefined && info.Id !== own && isBuilt(info)) return id
  }
  return undefined
}

function failed(failure: string, progress: BuildProgress, bases: Bases): Built {
  const missing = [...bases].filter(([, info]) => info === undefined).map(([name]) => name)
  if (!progress.brokeOnBase || missing.length === 0) return refusal(failure)
  return refusal(
    `the base image ${missing.join(', ')} is not in the engine and could not be pulled; load it ` +
      `into the engine, or name another one in the Dockerfile (${failure})`,
  )
}

async function basesOf(engine: Engine, file: Dockerfile): Promise<Bases> {
  const found = new Map<string, ImageInfo | undefined>()
  for (const base of file.bases) found.set(base, await lookUp(engine, base))
  return found
}

/** Sends the context and reads the engine's story to its end. */
async function runBuild(
  work: BuildWork,
  text: string,
  file: Dockerfile,
  progress: BuildProgress,
): Promise<void> {
  const { engine, order, signal } = work
  const given = Object.entries(order.buildArgs).filter(([name]) => file.declared.has(name))
  const context = contextTar(order.source, text, await listContext(order.source))
  const broken = new Promise<never>((_, reject) => context.once('error', reject))
  broken.catch(() => {})
  const options = {
    dockerfile: privateName(text),
    t: engineName(order.image),
    buildargs: Object.fromEntries(given),
    labels: { [OWN_LABEL]: order.image },
    nocache: true,
    rm: true,
    forcerm: true,
    abortSignal: signal,
  }
  try {
    const answer = await Promise.race([engine.docker.buildImage(context, options), broken])
    for await (const event of eventsOf(answer as Readable)) progress.take(event)
    progress.flush()
  } catch (error) {
    signal.throwIfAborted()
    // The Dockerfile cannot be parsed: the bundle's failure, and the only one told by a status.
    if (statusOf(error) === 400) progress.take({ error: wordsOf(error) })
    else if (statusOf(error) !== undefined) throw refused('the engine refused the build', error)
    else throw error
  } finally {
    context.destroy()
  }
}

/** The same image with one more layer: the program's folder, which nobody may write to. So no start of it
 * has to see to that. */
async function openedImage(work: BuildWork, id: string): Promise<string> {
  const { engine, order, place } = work
  const { Config } = await reaching(engine, () => engine.docker.getImage(id).inspect())
  const folder = folderOf(Config)
  // What lies in a volume of the image would not come into the layer.
  const apart = Object.keys(Config.Volumes ?? {}).some(path => `${folder}/`.startsWith(`${path}/`))
  if (folder === '/' || apart || !runsAsNobody(Config, Config.Labels ?? {})) return id
  const isSilent = !Config.Cmd?.length && !Config.Entrypoint?.length
  const name = `kaos-folder-${place.attempt}`
  // A build that was cut may have left it.
  await removeContainer(engine, name)
  const container = await reaching(engine, () =>
    engine.docker.createContainer({
      name,
      Image: id,
      ...(isSilent ? { Cmd: [`./${order.purpose}`] } : {}),
      HostConfig: { NetworkMode: 'none' },
    }),
  )
  try {
    // Else the image has no program.
    if (!(await openFolder(container, folder))) return id
    const [repo, tag] = engineName(order.image).split(':')
    const changes = `LABEL ${FOLDER_LABEL}=${FOLDER_OPEN}`
    const comment = 'kaos: the folder of the program is writable'
    const made = await reaching(engine, () => container.commit({ repo, tag, changes, comment }))
    return (made as { Id: string }).Id
  } finally {
    await removeContainer(engine, name)
  }
}

/** Out of the engine into the place, pinned, with all that is known of it. */
async function takeOut(work: BuildWork, id: string, file: Dockerfile): Promise<Built> {
  const { engine, order, place, signal } = work
  const folder = join(place.dir, 'run', 'image')
  const info = await reaching(engine, () => engine.docker.getImage(id).inspect())
  const archive = await reaching(engine, () => engine.docker.getImage(id).get())
  const scratch = join(place.dir, 'run', 'archive')
  const { manifest, config } = await layoutFromArchive(archive as Readable, folder, scratch, signal)
  await pinImage(engine, id, manifest)
  const bases = await basesOf(engine, file)
  const inside = await insideOf(engine, id, signal)
  signal.throwIfAborted()
  const labels = info.Config.Labels ?? {}
  return {
    state: 'succeeded',
    kind: 'oci',
    folder,
    manifest,
    labels: Object.fromEntries(
      Object.entries(labels).filter(([name]) => name.startsWith('kaos.') && name !== OWN_LABEL),
    ),
    environment: {
      ...work.host,
      ...inside,
      image: order.image,
      imageId: config,
      manifest,
      base: [...bases].map(([name, base]) => ({
        name,
        id: base?.Id ?? 'unknown',
        digests: base?.RepoDigests ?? [],
      })),
    },
  }
}
