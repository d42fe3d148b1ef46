/* The real git-lfs (on PATH, with git) against a server that asks for a token. */
import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { QUIET_MS } from '../../../server/remotes/settling.ts'
import { tempFolder } from '../open.ts'
import { type Program, program } from '../programs.ts'
import { filesOf, newestOf, openRemotes, type Remotes, sha256 } from '../remotes.ts'

const FILES = 40
const contentOf = (i: number) => `model ${i} `.repeat(i % 10 === 1 ? 50_000 : i + 1)

interface Project {
  readonly server: Remotes
  readonly git: Program
  /** A clone of `origin`, which tracks *.bin. */
  readonly folder: string
  readonly origin: string
}

/** git that sends this token to the server, asked through a credential helper. */
async function gitWith(t: TestContext, server: Remotes, token: string): Promise<Program> {
  const folder = await tempFolder(t)
  const { host } = new URL(server.base)
  const credentials = join(folder, 'credentials')
  await writeFile(credentials, `http://anybody:${token}@${host}\n`)
  const settings: Record<string, string> = {
    'user.name': 'Ann',
    'user.email': 'ann@example.com',
    'init.defaultBranch': 'main',
    'credential.helper': `store --file=${credentials}`,
    'lfs.url': `${server.base}/lfs/mnist/art`,
    'filter.lfs.process': 'git-lfs filter-process',
    'filter.lfs.required': 'true',
    'filter.lfs.clean': 'git-lfs clean -- %f',
    'filter.lfs.smudge': 'git-lfs smudge -- %f',
  }
  const config = join(folder, 'config')
  const git = await program(t, 'git', {
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  })
  for (const [key, value] of Object.entries(settings)) {
    await git.run(folder, 'config', '--file', config, key, value)
  }
  return git
}

async function openProject(t: TestContext): Promise<Project> {
  const server = await openRemotes(t, { settings: { local: false } })
  const git = await gitWith(t, server, await server.tokenOf('contributor'))
  const origin = join(await tempFolder(t), 'origin.git')
  const folder = join(await tempFolder(t), 'work')
  await git.run('/', 'init', '--bare', '--quiet', origin)
  await git.run('/', 'clone', '--quiet', origin, folder)
  await git.run(folder, 'lfs', 'install', '--local')
  await git.run(folder, 'lfs', 'track', '--lockable', '*.bin')
  for (let i = 0; i < FILES; i++) await writeFile(join(folder, `${i}.bin`), contentOf(i))
  await git.run(folder, 'add', '.')
  await git.run(folder, 'commit', '--quiet', '-m', 'models')
  return { server, git, folder, origin }
}

test('git-lfs: track, commit, push, clone, pull; what it brought is in the catalogue', async t => {
  const { server, git, folder, origin } = await openProject(t)
  const clone = join(await tempFolder(t), 'clone')

  await git.run(folder, 'push', '--quiet', 'origin', 'main')
  await git.run('/', 'clone', '--quiet', origin, clone)
  await git.run(clone, 'lfs', 'pull')
  const paths = Array.from({ length: FILES }, (_, i) => join(clone, `${i}.bin`))
  const contents = await Promise.all(paths.map(path => readFile(path, 'utf8')))
  const fsck = await git.run(clone, 'lfs', 'fsck')
  server.clock.now += QUIET_MS
  await server.settle('lfs')
  const files = await filesOf(server, await newestOf(server, 'art'))
  const pushed = await git.run(folder, 'lfs', 'push', '--all', 'origin')

  const all = Array.from({ length: FILES }, (_, i) => contentOf(i))
  assert.deepEqual(contents, all)
  assert.match(fsck, /OK/)
  assert.deepEqual(files, Object.fromEntries(all.map(text => [sha256(text), text])))
  assert.doesNotMatch(pushed, /error/i)
})

test('git-lfs: a file that somebody locked is not locked or changed by others', async t => {
  const { server, git, folder, origin } = await openProject(t)
  await git.run(folder, 'push', '--quiet', 'origin', 'main')
  const other = await gitWith(t, server, await server.tokenOf('contributor'))
  const clone = join(await tempFolder(t), 'clone')
  await other.run('/', 'clone', '--quiet', origin, clone)
  await other.run(clone, 'lfs', 'install', '--local')
  await other.run(clone, 'config', 'lfs.locksverify', 'true')

  await git.run(folder, 'lfs', 'lock', '3.bin')
  const listed = await other.run(clone, 'lfs', 'locks')
  const second = await other.attempt(clone, 'lfs', 'lock', '3.bin')
  const forced = await other.attempt(clone, 'lfs', 'unlock', '--force', '3.bin')
  await chmod(join(clone, '3.bin'), 0o644)
  await writeFile(join(clone, '3.bin'), 'theirs')
  await other.run(clone, 'commit', '--quiet', '-am', 'theirs')
  const refused = await other.attempt(clone, 'push', '--quiet', 'origin', 'main')
  await git.run(folder, 'lfs', 'unlock', '3.bin')
  const free = await other.run(clone, 'lfs', 'locks')
  await other.run(clone, 'push', '--quiet', 'origin', 'main')

  assert.match(listed, /3\.bin\s+contributor/)
  assert.notEqual(second.code, 0)
  assert.match(second.text, /locked already/)
  assert.notEqual(forced.code, 0)
  assert.notEqual(refused.code, 0)
  assert.match(refused.text, /3\.bin/)
  assert.doesNotMatch(free, /3\.bin/)
})

test('git-lfs: who may maintain takes a lock away', async t => {
  const { server, git, folder } = await openProject(t)
  await git.run(folder, 'push', '--quiet', 'origin', 'main')
  await git.run(folder, 'lfs', 'lock', '3.bin')
  const maintainer = await gitWith(t, server, await server.tokenOf('maintainer'))

  await maintainer.run(folder, 'lfs', 'unlock', '--force', '3.bin')
  const locks = await git.run(folder, 'lfs', 'locks')

  assert.doesNotMatch(locks, /3\.bin/)
})

test('git-lfs stops, with a helper that always has the same wrong token', async t => {
  const { server, git, folder } = await openProject(t)
  const wrong = `!f() { echo username=x; echo password=kaos_${'a'.repeat(43)}; }; f`
  await git.run(folder, 'config', '--add', 'credential.helper', '')
  await git.run(folder, 'config', '--add', 'credential.helper', wrong)
  let asked = 0
  server.app.server.on('request', () => asked++)

  const { code, text } = await git.attempt(folder, 'lfs', 'push', '--all', 'origin')

  assert.notEqual(code, 0)
  assert.match(text, /refused this token|[Aa]uthorization/)
  assert.ok(asked < 50, `asked ${asked} times`)
})
