/* Where a worker may fetch from. A manifest is written by users, and the worker stands inside the
 * network: without this they could have it read what only the network may. Only public addresses are
 * let through, and what the administrator allows (KAOS_INGEST_ALLOW). Decided on addresses, when a
 * connection is made, since a name may mean another address each time that it is asked. */
import { lookup as lookUp } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

export interface Guard {
  /** Why nothing of this host is fetched; undefined when something may be. Names are asked later. */
  refuses(hostname: string): string | undefined
  /** For a connection to that host: answers only addresses that are let through. */
  lookupFor(hostname: string): LookupFunction
  /** Whether the connection to that host may be to this address. */
  allows(hostname: string, address: string | undefined): boolean
}

/** A host or address that is not let through. */
export class Forbidden extends Error {
  constructor(hostname: string, address: string) {
    const where = hostname === address ? address : `${hostname} (${address})`
    super(`${where} is not a public address; an administrator can allow it with KAOS_INGEST_ALLOW`)
  }
}

/** Of IPv4 all is public but these: RFC 6890 and its successors, multicast, what is reserved. */
const PRIVATE_4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const

/** Of IPv6 only this is public: so neither loopback, link-local and unique local addresses nor those
 * with an IPv4 address in them (mapped, NAT64) are. */
const PUBLIC_6 = ['2000::', 3] as const
/** But not Teredo and other protocols, documentation, 6to4. */
const PRIVATE_6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const private4 = new BlockList()
for (const [net, prefix] of PRIVATE_4) private4.addSubnet(net, prefix, 'ipv4')
const public6 = new BlockList()
public6.addSubnet(...PUBLIC_6, 'ipv6')
const private6 = new BlockList()
for (const [net, prefix] of PRIVATE_6) private6.addSubnet(net, prefix, 'ipv6')

/** Whether anybody on the internet could reach this address. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !private4.check(address, 'ipv4')
  if (family !== 6) return false
  return public6.check(address, 'ipv6') && !private6.check(address, 'ipv6')
}

/** Whether KAOS_INGEST_ALLOW may hold this: `10.1.0.0/16`, `fd00::1`, `data.example`. */
export function isAllowance(text: string): boolean {
  const [net = '', prefix, ...more] = text.split('/')
  const family = isIP(net)
  if (family === 0) return /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?$/.test(text)
  if (prefix === undefined) return true
  if (more.length > 0 || !/^\d{1,3}$/.test(prefix)) return false
  return Number(prefix) <= (family === 4 ? 32 : 128)
}

export function openGuard(allowed: readonly string[], resolve: typeof lookUp = lookUp): Guard {
  const nets = new BlockList()
  const names = new Set<string>()
  for (const text of allowed) {
    const [net = '', prefix] = text.split('/')
    const family = isIP(net)
    if (family === 0) names.add(plain(text))
    else nets.addSubnet(net, Number(prefix ?? (family === 4 ? 32 : 128)), familyName(family))
  }

  function allows(hostname: string, address: string | undefined): boolean {
    if (address === undefined) return false
    // A zone (fe80::1%eth0) is part of no public address.
    const family = isIP(address)
    if (family === 0) return false
    if (isPublic(address) || names.has(plain(hostname))) return true
    return !address.includes('%') && nets.check(address, familyName(family))
  }

  return {
    allows,
    refuses(hostname) {
      const host = plain(hostname)
      if (isIP(host) === 0 || allows(host, host)) return undefined
      return new Forbidden(host, host).message
    },
    lookupFor(hostname) {
      const host = plain(hostname)
      return (_asked, options, callback) => {
        resolve(host, { ...options, all: true }, (error, found) => {
          const all = error ? [] : found
          const good = all.filter(one => allows(host, one.address))
          const [first] = good
          if (error) callback(error, [])
          else if (!first) callback(new Forbidden(host, all[0]?.address ?? 'no address'), [])
          else if (options.all) callback(null, good)
          else callback(null, first.address, first.family)
        })
      }
    },
  }
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6'
}

/** Without the brackets of an IPv6 address and the dot at the end of a name. */
function plain(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
}
