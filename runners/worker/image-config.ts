/* What an image says of itself, without its layers: asked of the registry, and checked against the
 * manifest's digest that the order names. */
import type { Image } from '../../api/attempts.ts'
import { digestOf } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { imageRepository } from '../../api/image-names.ts'
import type { AttemptCalls } from './attempts-client.ts'

export async function imageConfigOf(
  calls: AttemptCalls,
  { name, manifest }: Image,
  signal: AbortSignal,
): Promise<string> {
  const repository = imageRepository(name)
  if (repository === undefined || manifest === undefined) {
    throw new KaosError('BAD_REQUEST', `${name} is no image of the registry`)
  }
  const read = async (kind: 'manifests' | 'blobs', digest: string) => {
    const bytes = await calls.registry(`${repository}/${kind}/${digest}`, signal)
    if (digestOf(bytes) === digest) return bytes.toString('utf8')
    throw new KaosError('DIGEST_MISMATCH', `the registry sent something else than ${digest}`)
  }
  const { config } = JSON.parse(await read('manifests', manifest)) as { config: { digest: string } }
  return read('blobs', config.digest)
}
