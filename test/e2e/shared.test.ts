import assert from 'node:assert/strict'
import test from 'node:test'
import { cli, type Done, folder, startServer, template } from './kaos.ts'

test('on a shared endpoint the server says who the author is, and a revoked token ends at once', async t => {
  const data = folder(t)
  const admin = cli(folder(t))
  const first = await startServer(data)
  await admin('init', '-e', first.url)
  await admin('admin', 'user', 'add', '-n', 'alice', '--role', 'administrator')
  const alice = tokenIn(await admin('admin', 'token', 'create', '--user', 'alice', '--json'))
  await first.stop()
  const server = await startServer(data, {
    env: {
      KAOS_BEHIND_PROXY: '1',
      KAOS_ALLOW_PROCESS_RUNNER: '1',
      KAOS_SECRET_KEY_FILE: `${data}/secret.key`,
    },
  })
  t.after(() => server.stop())
  const work = folder(t)
  const eve = cli(work, { USER: 'eve' })
  template('mnist', `${work}/mnist`)

  assert.equal((await eve('init', '-e', server.url, '-t', 'kaos_wrong')).code, 4)
  assert.equal((await eve('init', '-e', server.url, '-t', alice.token)).code, 0)
  await eve('workspace', 'create', '-n', 'team')
  const done = await eve(
    ...['train', 'deploy', '-s', 'mnist/model-train', '-d', 'mnist/data', '--wait', '--json'],
  )
  assert.equal(done.code, 0, done.stderr)
  const { job } = JSON.parse(done.stdout)
  assert.equal(job.author, 'alice')
  const bob = await eve('admin', 'user', 'add', '-n', 'bob', '--json')
  assert.equal(bob.code, 0, bob.stderr)
  const viewer = cli(folder(t))
  const token = tokenIn(await eve('admin', 'token', 'create', '--user', 'bob', '--json'))
  await viewer('init', '-e', server.url, '-t', token.token)
  assert.equal((await viewer('admin', 'user', 'list')).code, 4)
  assert.equal((await viewer('workspace', 'list')).code, 0)

  assert.equal((await eve('admin', 'token', 'revoke', '--id', token.view.id, '--yes')).code, 0)

  assert.equal((await viewer('workspace', 'list')).code, 4)
})

function tokenIn({ stdout, stderr }: Done): { token: string; view: { id: string } } {
  assert.match(stdout, /kaos_/, stderr)
  return JSON.parse(stdout)
}
