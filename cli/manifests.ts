/* A data manifest on its way to the server: checked here first, so that a mistake names its line
 * before anything is sent; part of the request when it is small, else sent as a file. */
import { readFileSync } from 'node:fs'
import { parse } from 'node:path'
import { KaosError } from '../api/errors.ts'
import { MANIFEST_INLINE_MAX, type Manifest, parseManifest } from '../api/manifest.ts'
import type { TrainRequest, UploadView } from '../api/wire.ts'
import { channelTo, resumed } from './bundles.ts'
import { type Client, path } from './client.ts'

export interface LocalManifest extends Manifest {
  /** The file that was given. */
  readonly given: string
  /** Name that the data get: the file's, without its extension. */
  readonly folder: string
}

type ManifestParts = Pick<TrainRequest, 'manifest' | 'manifestFile' | 'manifestName'>

/** INVALID_MANIFEST, naming the line. */
export function readManifest(given: string): LocalManifest {
  const { name } = parse(given)
  const folder = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name) ? name : 'manifest'
  return { ...parseManifest(textIn(given)), given, folder }
}

function textIn(given: string): string {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return decoder.decode(readFileSync(given))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new KaosError('INVALID_MANIFEST', `${given} is not UTF-8; save it as such`, { cause })
  }
}

/** What of it goes into the request; the rest is sent now. */
export async function submitManifest(
  client: Client,
  base: string,
  { given, text, folder }: LocalManifest,
  /** Bytes of the rest of the request. */
  beside: number,
): Promise<ManifestParts> {
  if (Buffer.byteLength(JSON.stringify(text)) + beside <= MANIFEST_INLINE_MAX) {
    return { manifest: text, manifestName: folder }
  }
  const { sendFile } = await import('../api/transfer/send-file.ts')
  const { upload } = await client.post<UploadView>(`${base}/uploads`)
  const channel = await channelTo(client, `${base}${path`/uploads/${upload}`}`)
  const { digest } = await resumed(() => sendFile(given, channel))
  return { manifestFile: { upload, digest }, manifestName: folder }
}
