import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { isKaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { acceptAdministrator } from '../../server/people/given.ts'
import { openPeople } from '../../server/people/people.ts'
import { hasAdministratorToken, openTokens } from '../../server/people/tokens.ts'
import { openUsers } from '../../server/people/users.ts'
import { acceptWorker } from '../../server/worker/given.ts'
import { changeWorker } from '../../server/worker/names.ts'
import { atEnd, tempFolder } from './open.ts'

const token = () => `kaos_${randomBytes(32).toString('base64url')}`

async function open(t: TestContext): Promise<Ledger> {
  const ledger = await openSqliteLedger(`${await tempFolder(t)}/ledger.sqlite`)
  atEnd(t, () => ledger.close())
  return ledger
}

function starter(ledger: Ledger) {
  const said: string[] = []
  const start = (given: string, now = Date.now()) =>
    acceptAdministrator({ ledger, token: given, now, log: (_, message) => said.push(message) })
  return { start, said }
}

test('a token that the operator gives opens the server as an administrator', async t => {
  const ledger = await open(t)
  const given = token()

  await starter(ledger).start(given)

  const people = await openPeople({ ledger, now: Date.now, localName: 'jf' })
  const actor = await people.authenticate(given)
  assert.equal(actor?.name, 'admin')
  assert.ok(actor?.scopes.includes('admin'))
  assert.ok(await hasAdministratorToken(ledger, Date.now()))
  assert.equal(people.local.name, 'jf')
})

test('starting again with the same token changes nothing, another one is a second', async t => {
  const ledger = await open(t)
  const [first, second] = [token(), token()]
  const { start } = starter(ledger)
  await start(first)
  const before = await ledger.head()

  await start(first)

  assert.deepEqual(await ledger.head(), before)
  await start(second)
  const people = await openPeople({ ledger, now: Date.now, localName: 'jf' })
  assert.ok(await people.authenticate(first))
  assert.ok(await people.authenticate(second))
})

test('a given token that was revoked opens nothing at the next start either', async t => {
  const ledger = await open(t)
  const given = token()
  const { start, said } = starter(ledger)
  await start(given)
  const people = await openPeople({ ledger, now: Date.now, localName: 'jf' })
  const tokens = openTokens(ledger, Date.now)
  const [view] = await tokens.list(people.system)
  await tokens.revoke(people.system, view!.id)

  await start(given)

  assert.equal(await people.authenticate(given), undefined)
  assert.match(said.at(-1)!, /was revoked, and opens nothing/)
})

test('a file without a token, and a user admin who is no administrator, are refused', async t => {
  const ledger = await open(t)
  const { start } = starter(ledger)
  const people = await openPeople({ ledger, now: Date.now, localName: 'jf' })
  await openUsers(ledger, Date.now).create(people.system, { name: 'admin', role: 'viewer' })

  for (const bad of ['', 'secret', 'kaos_short']) {
    await assert.rejects(start(bad), error => isKaosError(error, 'CONFIGURATION'))
  }

  await assert.rejects(start(token()), /is no administrator here/)
})

test('a worker’s token that the operator gives lets that worker in, at the address that was named', async t => {
  const ledger = await open(t)
  const given = token()
  const enrol = { token: given, address: 'http://worker:8090' }
  const start = (change: Partial<typeof enrol> = {}) =>
    acceptWorker({ ledger, enrol: { ...enrol, ...change }, now: Date.now, log: () => {} })
  await start()
  const people = await openPeople({ ledger, now: Date.now, localName: 'jf' })
  const actor = await people.authenticate(given)
  const before = await ledger.head()

  await start()
  const same = await ledger.head()
  await start({ address: 'http://elsewhere:8090' })
  const moved = await people.authenticate(given)
  await start({ token: token() })

  assert.equal(actor?.name, 'given')
  assert.deepEqual(actor?.scopes, ['worker'])
  assert.deepEqual(same, before)
  assert.equal(moved?.id, actor?.id)
  assert.equal(await people.authenticate(given), undefined, 'one that was replaced')
  await assert.rejects(start({ token: 'worker' }), error => isKaosError(error, 'CONFIGURATION'))
})

test('a given worker that was retired stays so', async t => {
  const ledger = await open(t)
  const enrol = { token: token(), address: undefined }
  const said: string[] = []
  const start = () =>
    acceptWorker({ ledger, enrol, now: Date.now, log: (_, message) => said.push(message) })
  await start()
  const people = await openPeople({ ledger, now: Date.now, localName: 'jf' })
  await changeWorker({ ledger, now: Date.now }, people.system, 'given', 'retired', null)

  await start()

  assert.equal(await people.authenticate(enrol.token), undefined)
  assert.match(said.at(-1)!, /was retired, so KAOS_ENROL_TOKEN_FILE opens nothing/)
})
