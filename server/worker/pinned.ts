/* Where the server may call because a worker says so: at the address that an administrator set for it,
 * or at the one that the worker itself calls from. Else a worker could make the server call anything
 * that the server can reach. */
import { lookup } from 'node:dns/promises'
import { KaosError } from '../../api/errors.ts'

interface Claimed {
  /** Of the worker's forwarder. */
  readonly url: string
  readonly name: string
  /** What an administrator set. */
  readonly allowed: string | undefined
  /** Where the worker calls from; absent where a proxy stands between. */
  readonly from: string | undefined
}

/** The address to connect to; undefined where an administrator named it. BAD_REQUEST else. */
export async function pinnedTo(claimed: Claimed): Promise<string | undefined> {
  const { allowed, from, name, url } = claimed
  if (allowed !== undefined) {
    if (new URL(url).origin === allowed) return undefined
    throw refused(claimed, `this worker's services are reached at ${allowed} and nowhere else`)
  }
  if (from === undefined) {
    throw refused(claimed, 'behind a proxy the server cannot see where a worker calls from')
  }
  const own = plain(from)
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  const found = await lookup(host, { all: true }).catch(() => [])
  if (found.some(({ address }) => plain(address) === own)) return own
  const means = found.length === 0 ? 'means nothing here' : `is ${found[0]!.address}`
  throw refused(claimed, `${host} ${means}, and ${name} calls from ${own}`)
}

function refused({ url, name }: Claimed, why: string): KaosError {
  const next = `let an administrator say: kaos admin worker token ${name} --address ${url}`
  return new KaosError('BAD_REQUEST', `the address ${url} is not accepted: ${why}; ${next}`)
}

/** An IPv4 address that came over an IPv6 socket is the same one. */
function plain(address: string): string {
  return address.replace(/^::ffff:/, '')
}
