/* The real DVC (KAOS_TEST_DVC names the program) against a server that asks for a token. */
import assert from 'node:assert/strict'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { tempFolder } from '../open.ts'
import { needed, type Program, program } from '../programs.ts'
import { filesOf, openRemotes, type Remotes, versionsOf } from '../remotes.ts'

const FILES = 300

interface Project {
  readonly server: Remotes
  readonly token: string
  readonly dvc: Program
  /** A DVC project with a folder `data` of 300 files. */
  readonly folder: string
}

async function openProject(t: TestContext): Promise<Project> {
  const file = needed('KAOS_TEST_DVC')
  const server = await openRemotes(t, { settings: { local: false } })
  const token = await server.tokenOf('contributor')
  const folder = await tempFolder(t)
  const own = { DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: join(folder, '.site') }
  const dvc = await program(t, file, own)
  await dvc.run(folder, 'init', '--no-scm', '--quiet')
  await mkdir(join(folder, 'data/deep/er'), { recursive: true })
  for (let i = 0; i < FILES; i++) await writeFile(join(folder, pathOf(i)), textOf(i))
  await dvc.run(folder, 'add', '--quiet', 'data')
  return { server, token, dvc, folder }
}

const pathOf = (i: number) => `data/${i % 3 === 0 ? 'deep/er/' : ''}${i}.csv`
/** Small files, empty ones, and some of several chunks. */
const textOf = (i: number) => `${i},`.repeat(i % 50 === 1 ? 60_000 : i % 50)

/** Another checkout of the same project, without what DVC keeps beside it. */
async function cloneOf(t: TestContext, { folder, dvc }: Project): Promise<string> {
  const clone = await tempFolder(t)
  await dvc.run(clone, 'init', '--no-scm', '--quiet')
  for (const file of ['data.dvc', '.dvc/config']) await cp(join(folder, file), join(clone, file))
  return clone
}

async function textsIn(folder: string): Promise<string[]> {
  const paths = Array.from({ length: FILES }, (_, i) => join(folder, pathOf(i)))
  return Promise.all(paths.map(path => readFile(path, 'utf8')))
}

const REMOTES = {
  http: async ({ dvc, folder, server, token }: Project) => {
    await dvc.run(folder, 'remote', 'add', '-d', 'kaos', `${server.base}/dvc/mnist/features`)
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'auth', 'basic')
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'user', 'anybody')
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'password', token)
  },
  'http with a header of its own': async ({ dvc, folder, server, token }: Project) => {
    await dvc.run(folder, 'remote', 'add', '-d', 'kaos', `${server.base}/dvc/mnist/features`)
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'auth', 'custom')
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'custom_auth_header', 'Authorization')
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'password', `Bearer ${token}`)
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'method', 'PUT')
  },
  webdav: async ({ dvc, folder, server, token }: Project) => {
    const url = `${server.base.replace('http:', 'webdav:')}/dvc/mnist/features`
    await dvc.run(folder, 'remote', 'add', '-d', 'kaos', url)
    await dvc.run(folder, 'remote', 'modify', 'kaos', 'token', token)
  },
} as const satisfies Record<string, (project: Project) => Promise<void>>

for (const [name, addRemote] of Object.entries(REMOTES)) {
  test(`dvc over ${name}: push, status, pull elsewhere, change, push again`, async t => {
    const project = await openProject(t)
    const { dvc, folder, server } = project
    await addRemote(project)

    await dvc.run(folder, 'push')
    const status = await dvc.run(folder, 'status', '-c')
    const clone = await cloneOf(t, project)
    await dvc.run(clone, 'pull')
    const before = await textsIn(clone)
    await writeFile(join(folder, pathOf(7)), 'changed')
    await dvc.run(folder, 'add', '--quiet', 'data')
    const behind = await dvc.run(folder, 'status', '-c')
    await dvc.run(folder, 'push')
    await cp(join(folder, 'data.dvc'), join(clone, 'data.dvc'))
    await dvc.run(clone, 'pull')
    const after = await textsIn(clone)
    const versions = await versionsOf(server, 'features')
    const files = await filesOf(server, versions[1]!)

    const texts = Array.from({ length: FILES }, (_, i) => textOf(i))
    assert.match(status, /in sync/)
    assert.deepEqual(before, texts)
    assert.match(behind, /new:/)
    assert.deepEqual(after, texts.with(7, 'changed'))
    assert.equal(versions.length, 2)
    assert.equal(files['7.csv'], 'changed')
    assert.equal(Object.keys(files).length, FILES)
  })
}

test('dvc over webdav collects what no version of the project names any more', async t => {
  const project = await openProject(t)
  const { dvc, folder, server } = project
  await REMOTES.webdav(project)
  await dvc.run(folder, 'push')
  await rm(join(folder, pathOf(1)))
  await writeFile(join(folder, pathOf(7)), 'changed')
  await dvc.run(folder, 'add', '--quiet', 'data')
  await dvc.run(folder, 'push')

  const collected = await dvc.run(folder, 'gc', '-w', '-c', '-f')
  const status = await dvc.run(folder, 'status', '-c')
  const clone = await cloneOf(t, project)
  await dvc.run(clone, 'pull')
  const changed = await readFile(join(clone, pathOf(7)), 'utf8')
  const versions = await versionsOf(server, 'features')
  const first = await filesOf(server, versions[0]!)

  assert.match(collected, /3 objects|Removed 3/i)
  assert.match(status, /in sync/)
  assert.equal(changed, 'changed')
  // What the catalogue has stays: a version is no object of the remote.
  assert.equal(first['1.csv'], textOf(1))
})

test('dvc is told that a token is wrong', async t => {
  const project = await openProject(t)
  await REMOTES.http({ ...project, token: `kaos_${'a'.repeat(43)}` })

  const { code, text } = await project.dvc.attempt(project.folder, 'push')

  assert.notEqual(code, 0)
  assert.match(text, /401|Unauthorized/)
})
