import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuditRow, AuditView } from '../../api/wire.ts'
import { openDenials } from '../../server/audit/denials.ts'
import { openTestApp, type TestApp } from './open.ts'

const SHARED = { settings: { local: false } } as const
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function auditBy(server: TestApp, token: string, query = ''): Promise<AuditView> {
  const answer = await server.app.inject({
    url: `/api/v1/admin/audit${query}`,
    headers: bearer(token),
  })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}

const denialsIn = ({ rows }: AuditView) => rows.filter(({ kind }) => kind === 'denial')

test('each change and each denial of somebody who is known is there, and strangers are only counted', async t => {
  const server = await openTestApp(t, SHARED)
  const [viewer, maintainer] = [await server.tokenOf('viewer'), await server.tokenOf('maintainer')]
  const auditor = await server.tokenOf('auditor')
  const make = (token: string, name: string) =>
    server.app.inject({
      method: 'POST',
      url: '/api/v1/workspaces',
      headers: { ...bearer(token), 'x-request-id': `r-${name}` },
      payload: { name },
    })
  await make(maintainer, 'mnist')
  for (const name of ['one', 'two', 'three'])
    assert.equal((await make(viewer, name)).statusCode, 403)
  await server.app.inject({ url: '/api/v1/workspaces', headers: bearer('kaos_nobody') })
  await server.app.inject('/api/v1/workspaces')

  const audit = await auditBy(server, auditor)

  const [denial, ...others] = denialsIn(audit)
  assert.deepEqual(others, [])
  assert.equal(denial?.actor.name, 'viewer1')
  assert.equal(denial?.what, 'POST /api/v1/workspaces')
  assert.equal(denial?.result, 'NOT_PERMITTED')
  assert.equal(denial?.count, 3)
  assert.equal(denial?.requestId, 'r-three')
  const made = audit.rows.find(({ what }) => what === 'workspace.created')
  assert.equal(made?.actor.name, 'maintainer2')
  assert.equal(typeof made?.seq, 'number')
})

test('denials of the other tools are there as well, with their workspace', async t => {
  const server = await openTestApp(t, SHARED)
  const viewer = await server.tokenOf('viewer')
  const put = (url: string) =>
    server.app.inject({ method: 'PUT', url, headers: bearer(viewer), payload: Buffer.from('x') })

  await put(`/lfs/mnist/art/objects/${'0'.repeat(64)}`)
  await put('/dvc/mnist/set/files/md5/00/00000000000000000000000000000000')
  await put('/v2/mnist/things/manifests/v1')

  const rows = denialsIn(await auditBy(server, await server.tokenOf('auditor')))
  assert.deepEqual(rows.map(({ what, workspace }) => `${what} ${workspace}`).toSorted(), [
    'PUT /dvc/* mnist',
    'PUT /lfs/* mnist',
    'PUT /v2/* mnist',
  ])
})

test('only who has the scope may read it, and reading it is there as well', async t => {
  const server = await openTestApp(t, SHARED)
  const auditor = await server.tokenOf('auditor')
  for (const role of ['viewer', 'owner', 'monitor'] as const) {
    const headers = bearer(await server.tokenOf(role))
    const answer = await server.app.inject({ url: '/api/v1/admin/audit', headers })
    assert.equal(answer.statusCode, 403)
  }

  await auditBy(server, auditor)
  const { rows } = await auditBy(server, auditor)

  assert.ok(rows.some(({ what, actor }) => what === 'audit.read' && actor.name === 'auditor1'))
  assert.equal(rows.filter(({ kind }) => kind === 'denial').length, 3)
})

test('a sealed segment is a statement of the ledger, and shows the same as before', async t => {
  const server = await openTestApp(t, SHARED)
  const [viewer, auditor] = [await server.tokenOf('viewer'), await server.tokenOf('auditor')]
  await server.app.inject({ url: '/api/v1/admin/users', headers: bearer(viewer) })
  const before = denialsIn(await auditBy(server, auditor))
  const denials = openDenials(server.parts)
  t.after(() => denials.close())

  await denials.seal()
  const after = denialsIn(await auditBy(server, auditor))

  const unsealed = (rows: AuditRow[]) => rows.map(row => ({ ...row, seq: null }))
  assert.equal(before.length, 1)
  assert.deepEqual(unsealed(after), before)
  assert.equal(typeof after[0]?.seq, 'number')
  assert.deepEqual(await server.parts.ledger.verify(), [])
})

test('denials survive the end of the server, and are shown by time and by who', async t => {
  const first = await openTestApp(t, SHARED)
  const viewer = await first.tokenOf('viewer')
  await first.app.inject({ url: '/api/v1/admin/users', headers: bearer(viewer) })
  await first.close()
  const server = await openTestApp(t, { ...SHARED, folder: first.folder })
  const auditor = await server.tokenOf('auditor')
  const later = new Date(Date.now() + 60_000).toISOString()

  const all = await auditBy(server, auditor)
  const own = await auditBy(server, auditor, '?actor=viewer1')
  const none = await auditBy(server, auditor, `?since=${encodeURIComponent(later)}`)
  const one = await auditBy(server, auditor, '?limit=1')

  assert.equal(denialsIn(all).length, 1)
  assert.deepEqual(
    own.rows.map(({ actor }) => actor.name),
    own.rows.map(() => 'viewer1'),
  )
  assert.equal(denialsIn(own).length, 1)
  assert.deepEqual(none.rows, [])
  assert.equal(one.rows.length, 1)
  assert.equal(one.truncated, true)
})

test('a caller who makes up names cannot make the journal grow without end', async t => {
  const server = await openTestApp(t, SHARED)
  const denials = openDenials(server.parts)
  t.after(() => denials.close())
  const { id: actor } = server.parts.people.local
  const denial = { actor, code: 'NOT_PERMITTED', method: 'DELETE', requestId: 'r', address: '::1' }

  for (let n = 0; n < 1300; n++) {
    await denials.add({ ...denial, route: '/api/v1/workspaces/:ws', workspace: `made-up-${n}` })
  }

  const open = await server.parts.ledger.records('audit/denial/', { limit: 1000 })
  const { rows } = await auditBy(server, await server.tokenOf('auditor'), '?limit=1000')
  assert.ok(open.length < 1000)
  const sealed = (await server.parts.ledger.log(0, 10_000)).filter(({ payload }) =>
    payload?.includes('"audit.denials"'),
  )
  assert.ok(sealed.length >= 1)
  assert.ok(rows.length <= 1000)
})
