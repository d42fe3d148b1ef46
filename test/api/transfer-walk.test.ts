import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, link, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { sendFolder } from '../../api/transfer/send.ts'
import { type Step, type WalkOptions, walkFolder } from '../../api/transfer/walk.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { channelTo } from '../store/channel.ts'
import { type Files, lay, temporaryFolder } from '../store/folders.ts'

test('walks names in the order of their bytes, with folders around their content', async t => {
  const folder = await laid(t, { 'b/x': '', 'b/a/y': '', a: '', 'ä:\n ': '', B: '', 'empty/': '' })

  const steps = await Array.fromAsync(walkFolder(folder), short)

  assert.deepEqual(steps, [
    'enter ',
    'file B',
    'file a',
    'enter b',
    'enter b/a',
    'file b/a/y',
    'leave b/a',
    'file b/x',
    'leave b',
    'enter empty',
    'leave empty',
    'file ä:\n ',
    'leave ',
  ])
})

test('leaves out what is never content, and only that', async t => {
  const folder = await laid(t, {
    '.git/config': '',
    '.kaos/x': '',
    'sub/.DS_Store': '',
    'sub/__pycache__/m.pyc': '',
    'sub/m.pyc': '',
    'sub/m.py': '',
    '.env': '',
    '.gitignore': '',
  })

  assert.deepEqual(await filesIn(folder), ['.env', '.gitignore', 'sub/m.py'])
})

test('takes ignore rules instead of its own, which see folders as such', async t => {
  const folder = await laid(t, { 'a.pyc': '', 'data/x': '', 'code/data': '' })

  const files = await filesIn(folder, { ignores: (path, folder) => folder && path === 'data' })

  assert.deepEqual(files, ['a.pyc', 'code/data'])
})

test('follows a symbolic link that stays inside', async t => {
  const folder = await laid(t, { 'data/x': 'content', 'model/': '' })
  await symlink('../data', join(folder, 'model/data'))
  await symlink(join(folder, 'data/x'), join(folder, 'x'))

  assert.deepEqual(await filesIn(folder), ['data/x', 'model/data/x', 'x'])
})

test('walks a folder that is itself reached through a link', async t => {
  const folder = await laid(t, { 'real/x': '' })
  await symlink('real', join(folder, 'link'))

  assert.deepEqual(await filesIn(join(folder, 'link')), ['x'])
})

test('takes hard links for files of their own', async t => {
  const folder = await laid(t, { x: 'content' })
  await link(join(folder, 'x'), join(folder, 'y'))

  assert.deepEqual(await filesIn(folder), ['x', 'y'])
})

const LINKS = [
  {
    what: 'that leaves the folder',
    target: '../../outside',
    says: /^sub\/link .*leaves the folder; /,
  },
  { what: 'to a path of the system', target: '/etc/hostname', says: /leaves the folder; / },
  { what: 'to a folder whose name only begins alike', target: '../../bundle2', says: /leaves/ },
  { what: 'to nothing', target: 'nothing', says: /^sub\/link is a symbolic link to nothing; / },
  { what: 'below a file', target: '../file/x', says: /symbolic link to nothing; / },
  { what: 'to itself', target: 'link', says: /leads back to itself; / },
  { what: 'to a folder above it', target: '..', says: /leads back to itself; / },
]
for (const { what, target, says } of LINKS) {
  test(`refuses a symbolic link ${what}`, async t => {
    const parent = await laid(t, {
      'bundle/sub/': '',
      'bundle/file': '',
      outside: '',
      'bundle2/': '',
    })
    await symlink(target, join(parent, 'bundle/sub/link'))

    await assert.rejects(filesIn(join(parent, 'bundle')), { code: 'INVALID_BUNDLE', message: says })
  })
}

test('refuses a FIFO, a socket and a device, and says which path', async t => {
  const folder = await laid(t, { 'a/': '', 'b/': '', 'c/': '' })
  execFileSync('mkfifo', [join(folder, 'a/pipe')])
  const server = createServer().listen(join(folder, 'b/sock'))
  await new Promise(resolve => server.once('listening', resolve))
  t.after(() => server.close())
  await symlink('../a/pipe', join(folder, 'c/link'))

  const refused = (message: string) => ({ code: 'INVALID_BUNDLE', message })
  const remedy = 'remove it or name it in the ignore file'
  await assert.rejects(filesIn(join(folder, 'a')), refused(`pipe is a FIFO; ${remedy}`))
  await assert.rejects(filesIn(join(folder, 'b')), refused(`sock is a socket; ${remedy}`))
  await assert.rejects(filesIn('/dev'), { code: 'INVALID_BUNDLE' })
  const ignores = (path: string) => path === 'a' || path === 'b/sock'
  await assert.rejects(filesIn(folder, { ignores }), refused(`c/link is a FIFO; ${remedy}`))
})

test('what is ignored may be anything', async t => {
  const folder = await laid(t, { x: '' })
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await symlink('/nowhere', join(folder, 'link'))

  const files = await filesIn(folder, { ignores: path => path === 'pipe' || path === 'link' })

  assert.deepEqual(files, ['x'])
})

test('refuses a name that is not UTF-8', async t => {
  const folder = await laid(t, {})
  await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), '')

  await assert.rejects(filesIn(folder), {
    code: 'INVALID_BUNDLE',
    message: 'café has a name that is not UTF-8 of at most 255 bytes; rename it',
  })
})

test('shows control characters in a path escaped', async t => {
  const folder = await laid(t, {})
  await symlink('nothing', join(folder, 'a\u001b[31m\nb'))

  await assert.rejects(filesIn(folder), { message: /^"a\\u001b\[31m\\nb" is a symbolic link/ })
})

test('refuses what is not a folder', async t => {
  const folder = await laid(t, { file: '' })

  const says = (message: RegExp) => ({ code: 'INVALID_BUNDLE', message })
  await assert.rejects(filesIn(join(folder, 'nothing')), says(/does not exist/))
  await assert.rejects(filesIn(join(folder, 'file')), says(/is not a folder/))
})

test('refuses files and folders that it may not read', async t => {
  const folder = await laid(t, { 'secret/x': '', 'sub/private': 'x' })
  const store = await openMemoryStore()
  await chmod(folder, 0o755)
  await chmod(join(folder, 'sub/private'), 0o000)
  const says = (message: RegExp) => ({ code: 'INVALID_BUNDLE', message })

  // Root may read everything: so be somebody else meanwhile.
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    await assert.rejects(
      sendFolder(folder, channelTo(store)),
      says(/^sub\/private cannot be read \(EACCES\); make it readable/),
    )
    if (root) process.seteuid?.(0)
    await chmod(join(folder, 'secret'), 0o000)
    if (root) process.seteuid?.(65534)
    await assert.rejects(filesIn(folder), says(/^secret cannot be read \(EACCES\)/))
  } finally {
    if (root) process.seteuid?.(0)
    await chmod(join(folder, 'secret'), 0o755)
  }
})

test('refuses folders that are nested too deeply', async t => {
  const folder = await laid(t, {})
  let deep = folder
  for (let i = 0; i < 520; i++) deep = join(deep, 'd')
  await mkdir(deep, { recursive: true })

  await assert.rejects(filesIn(folder), { code: 'INVALID_BUNDLE', message: /is too deep; flatten/ })
})

async function laid(t: TestContext, files: Files): Promise<string> {
  const folder = await temporaryFolder(t)
  await lay(folder, files)
  return folder
}

async function filesIn(folder: string, options?: WalkOptions): Promise<string[]> {
  const steps = await Array.fromAsync(walkFolder(folder, options))
  return steps.filter(step => step.kind === 'file').map(step => step.path)
}

function short(step: Step): string {
  return `${step.kind} ${step.path}`
}
