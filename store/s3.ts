/* The store in a bucket: shelf.ts has its objects. Several servers may have it open at the same time
 * and see what the others do. What each keeps on its own disk is the catalog, a cache, and for a moment
 * what is on its way to the bucket. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isKaosError } from '../api/errors.ts'
import { isId } from '../api/ids.ts'
import type { Shelf } from './packed/shelf.ts'
import { openPackedStore } from './packed/store.ts'
import { S3Client, type S3Place } from './s3/client.ts'
import { openS3Shelf } from './s3/shelf.ts'
import type { Store } from './store.ts'

export interface S3Options extends S3Place {
  /** For the catalog, and for what is on its way. One process at a time may use it. */
  readonly cacheFolder: string
  /** Of a store that is made now, if it is to be a copy of another. */
  readonly id?: string
}

/** Opens the store in this bucket, or makes one, and the bucket too. `through`: for tests. */
export async function openS3Store(
  { cacheFolder, id, ...place }: S3Options,
  through: (shelf: Shelf) => Shelf = shelf => shelf,
): Promise<Store> {
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 })
  const shelf = through(await openS3Shelf(place, join(cacheFolder, 'outbox')))
  const owner = await ownerIn(join(cacheFolder, 'owner'))
  return openPackedStore({ shelf, catalog: join(cacheFolder, 'index.sqlite'), owner, id })
}

/** Says why the bucket cannot be used just now, asked without patience; undefined while it can. */
export function openS3Look(place: S3Place): {
  trouble(): Promise<string | undefined>
  close(): void
} {
  const s3 = new S3Client(place)
  return {
    async trouble() {
      try {
        return (await s3.client.bucketExists(place.bucket)) ? undefined : 'the bucket is gone'
      } catch (error) {
        const refused = isKaosError(s3.refusal(error), 'CONFIGURATION')
        return refused ? 'it refuses the keys of this server' : 'it does not answer'
      }
    },
    close: () => s3.close(),
  }
}

/** Who this server is among those that share the bucket, the same at every start. */
async function ownerIn(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '')
  if (isId(known)) return known
  const owner = randomBytes(16).toString('hex')
  await writeFile(file, owner)
  return owner
}
