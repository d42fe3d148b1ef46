/* The settings that put the store into a bucket: all of them, or none. */
import { KaosError } from '../../api/errors.ts'
import type { Settings } from '../parts.ts'
import { fileAt, textAt } from './readers.ts'

export const S3_SOURCES = {
  s3Endpoint: {
    variable: 'KAOS_S3_ENDPOINT',
    allowed: 'an address such as http://127.0.0.1:9000 or https://s3.example.com',
    read: endpoint,
  },
  s3Bucket: {
    variable: 'KAOS_S3_BUCKET',
    allowed: 'the name of a bucket: 3 to 63 small letters, digits, dots and dashes',
    read: (value: string) => (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value) ? value : undefined),
  },
  s3AccessKey: textAt('KAOS_S3_ACCESS_KEY'),
  s3AccessKeyFile: fileAt('KAOS_S3_ACCESS_KEY_FILE'),
  s3SecretKey: textAt('KAOS_S3_SECRET_KEY'),
  s3SecretKeyFile: fileAt('KAOS_S3_SECRET_KEY_FILE'),
  s3Region: textAt('KAOS_S3_REGION', 'the name of a region'),
} as const

const NEEDED = {
  endpoint: 'KAOS_S3_ENDPOINT',
  bucket: 'KAOS_S3_BUCKET',
  accessKey: 'KAOS_S3_ACCESS_KEY (or _FILE)',
  secretKey: 'KAOS_S3_SECRET_KEY (or _FILE)',
} as const

type Given = Record<keyof typeof NEEDED | 'region', string | undefined>

/** CONFIGURATION, naming what is missing, for half a set. */
export function s3Of({ endpoint, bucket, accessKey, secretKey, region }: Given): Settings['s3'] {
  const given = { endpoint, bucket, accessKey, secretKey }
  const names = Object.keys(NEEDED) as (keyof typeof NEEDED)[]
  const missing = names.filter(name => given[name] === undefined)
  if (missing.length === names.length && region === undefined) return undefined
  if (endpoint && bucket && accessKey && secretKey) {
    return { endpoint, bucket, accessKey, secretKey, region: region ?? 'us-east-1' }
  }
  const which = missing.map(name => NEEDED[name]).join(', ')
  const message = `for a store in a bucket there is still missing: ${which}; give it, or leave out all of KAOS_S3_*`
  throw new KaosError('CONFIGURATION', message)
}

function endpoint(value: string): string | undefined {
  const url = URL.parse(value)
  const known = url !== null && /^https?:$/.test(url.protocol) && url.username === ''
  return known && url.pathname === '/' && url.search === '' ? value.replace(/\/$/, '') : undefined
}
