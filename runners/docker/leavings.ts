/* Names that kaos gives images in the engine, and what a build leaves there: containers of steps
 * that were cut off, and nameless images of stages that nothing needs any more. */
import { type Engine, isGone, pause } from './engine.ts'
import { type ImageInfo, lookUp } from './images.ts'

/** An image's name in a form that engines take: `build-train-MNIST:e23a2` is lower-cased. */
export function engineName(image: string): string {
  const [, name, tag] = /^(.*?)(?::([^:/]*))?$/s.exec(image) ?? []
  const parts = (name ?? '')
    .toLowerCase()
    .split('/')
    .map(part =>
      part
        .replace(/[^a-z0-9._-]+/g, '-')
        .replace(/[._-]{2,}/g, '-')
        .replace(/^[._-]+|[._-]+$/g, ''),
    )
  const repository = parts.filter(part => part !== '').join('/')
  const version = (tag ?? 'latest').replace(/[^\w.-]/g, '-').replace(/^[.-]+/, '')
  return `${repository || 'image'}:${version.slice(0, 128) || 'latest'}`
}

/** Removes the image of a build that did not count. */
export async function removeBuilt(engine: Engine, id: string | undefined): Promise<void> {
  if (id !== undefined)
    await engine.docker
      .getImage(id)
      .remove({ force: true })
      .catch(() => {})
}

/** Removes what the steps left, best effort; never an image that has a name or that was there. */
export async function sweep(
  engine: Engine,
  leavings: { containers: string[]; images: string[] },
  bases: ReadonlyMap<string, ImageInfo | undefined>,
  keep: string | undefined,
): Promise<void> {
  for (const id of leavings.containers) await removeContainer(engine, id)
  const there = new Set([...bases.values()].map(base => base?.Id))
  for (const short of leavings.images) {
    const info = await lookUp(engine, short).catch(() => undefined)
    if (info === undefined || info.Id === keep || there.has(info.Id)) continue
    const named = (info.RepoTags ?? []).length > 0 || (info.RepoDigests ?? []).length > 0
    if (!named)
      await engine.docker
        .getImage(info.Id)
        .remove()
        .catch(() => {})
  }
}

/** The engine may be taking the container away itself, for an instant. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  for (let tries = 0; tries < 5 && !engine.closed.aborted; tries++) {
    try {
      await engine.docker.getContainer(id).remove({ force: true, v: true })
      return
    } catch (error) {
      if (isGone(error)) return
      await pause(200, engine.closed)
    }
  }
}
