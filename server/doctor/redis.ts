/* Whether Redis is fit to carry what the queue says. */
import { Redis } from 'ioredis'
import type { DoctorFinding as Finding } from '../../api/wire.ts'
import { bad, good, warning } from './findings.ts'

const WAIT_MS = 5000

export async function lookAtRedis(url: string): Promise<Finding> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: WAIT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  })
  // The call that failed says it as well.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.ping()
    const [, policy = ''] = (await client.config('GET', 'maxmemory-policy')) as string[]
    if (policy === 'noeviction') return good('queue', 'Redis answers and keeps what it is given')
    const what = `Redis may throw keys of the queue away (maxmemory-policy ${policy})`
    const mend = 'redis-cli CONFIG SET maxmemory-policy noeviction, and in its configuration file'
    return warning('queue', what, mend)
  } catch (error) {
    const what = `Redis does not answer: ${(error as Error).message}`
    const mend = 'start it, or check KAOS_REDIS_URL; work goes on meanwhile, wake-ups come late'
    return bad('queue', what, mend)
  } finally {
    client.disconnect()
  }
}
