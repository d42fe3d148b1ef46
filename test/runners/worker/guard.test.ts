import assert from 'node:assert/strict'
import type { lookup } from 'node:dns'
import { describe, it } from 'node:test'
import { isAllowance, isPublic, openGuard } from '../../../runners/worker/ingest/guard.ts'

/** A resolver that knows these addresses. */
function names(addresses: string[]): typeof lookup {
  const resolve = (_name: string, _options: object, done: (...answer: unknown[]) => void) => {
    const found = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    done(null, found)
  }
  return resolve as unknown as typeof lookup
}

/** What a connection to the host would be made to. */
function asked(allow: string[], host: string, addresses: string[]): Promise<unknown> {
  const guard = openGuard(allow, names(addresses))
  return new Promise((resolve, reject) => {
    guard.lookupFor(host)(host, { all: true }, (error, found) => {
      if (error) reject(error)
      else resolve(found)
    })
  })
}

const PRIVATE = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0x7f.1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://10.0.0.1/',
  'http://012.0.0.1/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.1.1/',
  'http://3232235777/',
  'http://169.254.169.254/',
  'http://2852039166/',
  'http://0xa9.0xfe.0xa9.0xfe/',
  'http://0251.0376.0251.0376/',
  'http://100.64.0.1/',
  'http://100.127.255.254/',
  'http://192.0.0.1/',
  'http://192.0.2.1/',
  'http://198.18.0.1/',
  'http://198.51.100.7/',
  'http://203.0.113.9/',
  'http://224.0.0.1/',
  'http://239.255.255.250/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  'http://１２７.0.0.1/',
  'http://127。0。0。1/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b::a00:1]/',
  'http://[64:ff9b:1::1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:1::1]/',
  'http://[2001:db8::1]/',
  'http://[100::1]/',
  'http://[fc00::1]/',
  'http://[fd12:3456::1]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://[3fff::1]/',
  'http://[5f00::1]/',
]

describe('the guard', () => {
  for (const url of PRIVATE) {
    it(`lets nothing be fetched from ${url}`, () => {
      const host = new URL(url).hostname

      assert.match(openGuard([]).refuses(host) ?? '', /is not a public address/)
    })
  }

  it('lets public addresses through', () => {
    for (const host of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '[2606:4700::1111]', '100.128.0.1']) {
      assert.equal(openGuard([]).refuses(host), undefined, host)
    }
  })

  it('answers of a name only the addresses that are public', async () => {
    const found = await asked([], 'mixed.example', ['10.0.0.1', '8.8.8.8', '::1'])

    assert.deepEqual(found, [{ address: '8.8.8.8', family: 4 }])
  })

  it('refuses a name that means something private', async () => {
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '169.254.169.254', 'fe80::1']) {
      await assert.rejects(asked([], 'rebound.example', [address]), /rebound\.example \(/)
    }
  })

  it('looks at the address that was connected to, whatever the name said', () => {
    const guard = openGuard(['10.0.0.0/8'])

    assert.equal(guard.allows('a.example', '8.8.8.8'), true)
    assert.equal(guard.allows('a.example', '10.9.9.9'), true)
    assert.equal(guard.allows('a.example', '127.0.0.1'), false)
    assert.equal(guard.allows('a.example', '::ffff:127.0.0.1'), false)
    assert.equal(guard.allows('a.example', 'fe80::1%eth0'), false)
    assert.equal(guard.allows('a.example', undefined), false)
  })

  it('lets through what the administrator allows, and nothing beside it', async () => {
    const allow = ['10.1.0.0/16', '192.168.7.7', 'fd00::/8', 'data.internal']
    const guard = openGuard(allow)

    assert.equal(guard.refuses('10.1.2.3'), undefined)
    assert.equal(guard.refuses('192.168.7.7'), undefined)
    assert.equal(guard.refuses('[fd00::5]'), undefined)
    assert.match(guard.refuses('10.2.0.1') ?? '', /not a public/)
    assert.match(guard.refuses('192.168.7.8') ?? '', /not a public/)
    assert.deepEqual(await asked(allow, 'DATA.internal.', ['172.16.0.9']), [
      { address: '172.16.0.9', family: 4 },
    ])
    await assert.rejects(asked(allow, 'other.internal', ['172.16.0.9']), /KAOS_INGEST_ALLOW/)
  })

  it('knows what may be allowed', () => {
    const good = ['10.0.0.0/8', '127.0.0.1', '::1', 'fd00::/8', 'data', 'a-b.example.com']
    const bad = ['', '10.0.0.0/33', '10.0.0.0/', 'fd00::/129', 'a/b', 'http://a', '10.0.0.0/8/1']

    assert.deepEqual(good.filter(isAllowance), good)
    assert.deepEqual(bad.filter(isAllowance), [])
    assert.equal(isPublic('no address'), false)
  })
})
