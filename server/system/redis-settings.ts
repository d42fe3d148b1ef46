/* Where Redis is, and its password from a file. The password is set into the address: all that speaks
 * to Redis takes one. */
import { KaosError } from '../../api/errors.ts'
import { fileAt } from './readers.ts'

export const REDIS_SOURCES = {
  redisUrl: {
    variable: 'KAOS_REDIS_URL',
    allowed: 'redis:// or rediss:// and a place',
    read: (value: string) => (/^rediss?:\/\/[^/]+(\/\d+)?\/?$/.test(value) ? value : undefined),
  },
  redisPasswordFile: fileAt('KAOS_REDIS_PASSWORD_FILE'),
} as const

/** CONFIGURATION for a password without a place, and for two passwords. */
export function redisOf(url: string | undefined, password: string | undefined): string | undefined {
  if (password === undefined) return url
  const file = 'KAOS_REDIS_PASSWORD_FILE'
  if (url === undefined) {
    throw new KaosError('CONFIGURATION', `${file} is of no use without KAOS_REDIS_URL`)
  }
  const place = new URL(url)
  if (place.password !== '') {
    const message = `KAOS_REDIS_URL holds a password and ${file} another; leave one of them out`
    throw new KaosError('CONFIGURATION', message)
  }
  place.password = password
  return place.href
}
