/* What a start is made of, before the cluster hears of it: the box, and the image by its digest. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../../api/attempts.ts'
import { hexOf, isDigest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { imageRepository } from '../../api/image-names.ts'
import type { RunOrder, TrialOrder } from '../runner.ts'
import { type ImageConfig, type Purpose, type Sandbox, sandboxOf } from '../sandbox.ts'
import type { KubernetesOptions } from './settings.ts'

export type Plan =
  | { readonly refusal: string }
  | { readonly refusal?: undefined; readonly sandbox: Sandbox; readonly image: string }

export async function planOf(
  order: RunOrder | TrialOrder,
  purpose: Purpose,
  options: KubernetesOptions,
): Promise<Plan> {
  const image = referenceOf(order, options)
  const config = await configOf(order)
  const sandbox = asWorker(sandboxOf(config, order, purpose))
  const [user = ''] = sandbox.user.split(':')
  if (/^\d+(:\d+)?$/.test(sandbox.user)) return { sandbox, image }
  const refusal =
    `the image's user ${user} is a name, and a cluster cannot tell whose: write the number in the ` +
    'Dockerfile (USER 1000:1000), or no USER at all'
  return { refusal }
}

/** Nobody is who the worker is, unless that is root: then the worker can read what was written. */
function asWorker(sandbox: Sandbox): Sandbox {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  return sandbox.isNobody && uid !== 0 ? { ...sandbox, user: `${uid}:${gid}` } : sandbox
}

/** `build-train-mnist:e23a2` lies in the registry as `mnist/build-train-mnist`, and is run by digest. */
function referenceOf({ image }: RunOrder, { registry }: KubernetesOptions): string {
  const repository = imageRepository(image.name)
  if (repository && isDigest(image.manifest)) {
    return `${registry}/${repository}@${image.manifest}`
  }
  const message = `${image.name} is no image that a cluster can pull; build it with a Docker engine`
  throw new KaosError('RUNNER_UNAVAILABLE', message)
}

/** The image's own word on its user, working directory and variables. */
async function configOf(order: RunOrder): Promise<ImageConfig> {
  const text = order.imageConfig ? await order.imageConfig() : await fromLayout(order)
  return (JSON.parse(text) as { config?: ImageConfig }).config ?? {}
}

async function fromLayout({ image, layout }: RunOrder): Promise<string> {
  const blobs = join(await layout(), 'blobs', 'sha256')
  const read = (digest: string) => readFile(join(blobs, hexOf(digest as never)), 'utf8')
  const manifest = JSON.parse(await read(image.manifest!)) as { config: { digest: string } }
  return read(manifest.config.digest)
}

export function environmentBefore(order: RunOrder, sandbox: Sandbox): Environment {
  const seeds = Object.entries(order.env).filter(([name]) => /SEED/.test(name))
  return {
    image: order.image.name,
    ...(order.image.manifest === undefined ? {} : { manifest: order.image.manifest }),
    user: sandbox.user,
    network: sandbox.network,
    relaxations: sandbox.relaxations,
    limits: order.resources,
    ...(seeds.length === 0 ? {} : { seeds: Object.fromEntries(seeds) }),
  }
}
