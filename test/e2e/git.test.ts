import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { cli, folder, startServer, template } from './kaos.ts'

test('a job says from which commit its code was sent, and whether there were changes', async t => {
  const data = folder(t)
  const server = await startServer(data)
  const work = folder(t)
  const kaos = cli(work)
  template('mnist', join(work, 'mnist'))
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: work })
      .toString()
      .trim()
  git('init', '--quiet', '--initial-branch', 'trunk')
  git('remote', 'add', 'origin', 'https://me:secret@example.com/mnist.git')
  writeFileSync(join(work, '.gitignore'), '.kaos\n')
  git('add', '.')
  git('commit', '--quiet', '--message', 'first')
  const commit = git('rev-parse', 'HEAD')
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'mnist')
  const deploy = ['train', 'deploy', '-s', 'mnist/model-train', '-d', 'mnist/data', '--again']

  const clean = await kaos(...deploy)
  writeFileSync(join(work, 'mnist/model-train/mnist/model/more.py'), 'x = 1\n')
  const changed = await kaos(...deploy)
  await server.stop()

  assert.equal(clean.code, 0, clean.stderr)
  assert.equal(changed.code, 0, changed.stderr)
  const ledger = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true })
  const rows = ledger.prepare("SELECT attributes FROM node WHERE kind = 'train' ORDER BY n").all()
  ledger.close()
  const said = rows.map(row => JSON.parse(String(row.attributes)).git)
  const state = { commit, branch: 'trunk', remote: 'https://example.com/mnist.git' }
  assert.deepEqual(said[0], { code: { ...state, dirty: false }, data: { ...state, dirty: false } })
  assert.deepEqual(said[1].code, { ...state, dirty: true })
})
