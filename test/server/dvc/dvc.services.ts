/* The real DVC (KAOS_TEST_DVC names the program) against a server that asks for a token. */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, type TestContext } from 'node:test'
import { tempFolder } from '../open.ts'
import { needed, type Program, program } from '../programs.ts'
import { filesOf, openRemotes, type Remotes, versionsOf } from '../remotes.ts'

const FILES = 120

interface Project {
  readonly server: Remotes
  readonly token: string
  readonly dvc: Program
  /** A DVC project with a folder `data` of 120 files. */
  readonly folder: string
}

/** What `dvc init` and `dvc add` make, once for all. */
const pattern = await mkdtemp(join(tmpdir(), 'kaos-dvc-'))
after(() => rm(pattern, { recursive: true }))
let made: Promise<void> | undefined

async function makePattern(dvc: Program): Promise<void> {
  await dvc.run(pattern, 'init', '--no-scm', '--quiet')
  await mkdir(join(pattern, 'data/deep/er'), { recursive: true })
  for (let i = 0; i < FILES; i++) await writeFile(join(pattern, pathOf(i)), textOf(i))
  await dvc.run(pattern, 'add', '--quiet', 'data')
}

async function openProject(t: TestContext): Promise<Project> {
  const file = needed('KAOS_TEST_DVC')
  const server = await openRemotes(t, { settings: { local: false } })
  const token = await server.tokenOf('contributor')
  const folder = await tempFolder(t)
  const own = { DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: join(folder, '.site') }
  const dvc = await program(t, file, own)
  made ??= makePattern(dvc)
  await made
  await cp(pattern, folder, { recursive: true })
  return { server, token, dvc, folder }
}

const pathOf = (i: number) => `data/${i % 3 === 0 ? 'deep/er/' : ''}${i}.csv`
/** Small files, empty ones, and some of several chunks. */
const textOf = (i: number) => `${i},`.repeat(i % 50 === 1 ? 60_000 : i % 50)

/** Another checkout of the same project, without what DVC keeps beside it. */
async function cloneOf(t: TestContext, { folder }: Project): Promise<string> {
  const clone = await tempFolder(t)
  await mkdir(join(clone, '.dvc'))
  for (const file of ['data.dvc', '.dvc/config']) await cp(join(folder, file), join(clone, file))
  return clone
}

async function textsIn(folder: string): Promise<string[]> {
  const paths = Array.from({ length: FILES }, (_, i) => join(folder, pathOf(i)))
  return Promise.all(paths.map(path => readFile(path, 'utf8')))
}

type Remote = Readonly<Record<string, string>> & { readonly url: string }

const REMOTES = {
  http: ({ server, token }: Project) => ({
    url: `${server.base}/dvc/mnist/features`,
    auth: 'basic',
    user: 'anybody',
    password: token,
  }),
  'http with a header of its own': ({ server, token }: Project) => ({
    url: `${server.base}/dvc/mnist/features`,
    auth: 'custom',
    custom_auth_header: 'Authorization',
    password: `Bearer ${token}`,
    method: 'PUT',
  }),
  webdav: ({ server, token }: Project) => ({
    url: `${server.base.replace('http:', 'webdav:')}/dvc/mnist/features`,
    token,
  }),
} as const satisfies Record<string, (project: Project) => Remote>

/** As the commands of the docs write it. */
async function addRemote({ folder }: Project, remote: Remote): Promise<void> {
  const lines = Object.entries(remote).map(([key, value]) => `    ${key} = ${value}\n`)
  const text = `[core]\n    no_scm = True\n    remote = kaos\n['remote "kaos"']\n${lines.join('')}`
  await writeFile(join(folder, '.dvc', 'config'), text)
}

test('dvc keeps of the commands in the docs what the other tests write', async t => {
  const project = await openProject(t)
  const { dvc, folder } = project
  const config = join(folder, '.dvc', 'config')
  const { url, ...settings } = REMOTES.http(project)

  await dvc.run(folder, 'remote', 'add', '-d', 'kaos', url)
  for (const [key, value] of Object.entries(settings)) {
    await dvc.run(folder, 'remote', 'modify', 'kaos', key, value)
  }

  const typed = await readFile(config, 'utf8')
  await addRemote(project, { url, ...settings })
  assert.equal(typed, await readFile(config, 'utf8'))
})

for (const [name, remoteOf] of Object.entries(REMOTES)) {
  test(`dvc over ${name}: push, status, pull elsewhere, change, push again`, async t => {
    const project = await openProject(t)
    const { dvc, folder, server } = project
    await addRemote(project, remoteOf(project))

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
  await addRemote(project, REMOTES.webdav(project))
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
  const token = `kaos_${'a'.repeat(43)}`
  await addRemote(project, REMOTES.http({ ...project, token }))

  const { code, text } = await project.dvc.attempt(project.folder, 'push')

  assert.notEqual(code, 0)
  assert.match(text, /401|Unauthorized/)
})
