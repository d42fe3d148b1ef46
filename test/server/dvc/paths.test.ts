import assert from 'node:assert/strict'
import test from 'node:test'
import { locationOf } from '../../../server/dvc/paths.ts'

const HASH = '0123456789abcdef0123456789abcdef'
const NEW = `files/md5/01/${HASH.slice(2)}`
const OLD = `01/${HASH.slice(2)}`

for (const [url, repository, path, isFolder] of [
  [`/dvc/mnist/${NEW}`, 'dvc', NEW, false],
  [`/dvc/mnist/${NEW}.dir`, 'dvc', `${NEW}.dir`, true],
  [`/dvc/mnist/${OLD}`, 'dvc', OLD, false],
  [`/dvc/mnist/features/${OLD}.dir`, 'features', `${OLD}.dir`, true],
  [`/dvc/mnist/team/images/${NEW}?x=1`, 'team/images', NEW, false],
  [`/dvc/mnist//team/%66eatures/${NEW}/`, 'team/features', NEW, false],
] as const) {
  test(`${url} is an object of ${repository}`, () => {
    const location = locationOf(url)

    assert.equal(location.workspace, 'mnist')
    assert.equal(location.repository, repository)
    const layout = path.startsWith('files') ? 'dvc3' : 'dvc2'
    const object = { path, md5: HASH, isFolder, layout }
    assert.deepEqual(location.place, { kind: 'object', object })
  })
}

for (const [url, repository, folder, base] of [
  ['/dvc/mnist', 'dvc', '', '/dvc/mnist'],
  ['/dvc/mnist/features/', 'features', '', '/dvc/mnist/features'],
  ['/dvc/mnist/files', 'dvc', 'files', '/dvc/mnist'],
  ['/dvc/mnist/team/images/files/md5', 'team/images', 'files/md5', '/dvc/mnist/team/images'],
  ['/dvc/mnist/features/files/md5/ab', 'features', 'files/md5/ab', '/dvc/mnist/features'],
  ['/dvc/mnist/features/ab/', 'features', 'ab', '/dvc/mnist/features'],
] as const) {
  test(`${url} is a folder of ${repository}`, () => {
    const location = locationOf(url)

    const place = { kind: 'folder', folder }
    assert.deepEqual(location, { workspace: 'mnist', repository, place, base })
  })
}

for (const url of [
  '/dvc',
  '/dvc/',
  '/dvc/mnist/Features',
  '/dvc/mnist/../x',
  '/dvc/mnist/%2e%2e/x',
  '/dvc/mnist/files/md5/ab/cd',
  `/dvc/mnist/ab/${OLD}`,
  `/dvc/mnist/${NEW}.txt`,
  `/dvc/mnist/${NEW.toUpperCase()}`,
  `/dvc/mnist/a%00b/${NEW}`,
]) {
  test(`${url} is nothing`, () => {
    assert.throws(() => locationOf(url), { code: 'NOT_FOUND' })
  })
}
