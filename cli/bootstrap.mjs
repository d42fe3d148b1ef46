/* Makes a fresh clone runnable with nothing but Node 20 and npm: installs what package-lock.json
 * locks, unless node_modules already holds exactly that. Plain JavaScript, because it runs before
 * the pinned Node is here. With --link (npm's prepare) it only adds node_modules/.bin/kaos. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.kaos-lock')
const lock = join(root, 'package-lock.json')
const digest = existsSync(lock) ? createHash('sha256').update(readFileSync(lock)).digest('hex') : ''

function link() {
  const bin = join(root, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  rmSync(join(bin, 'kaos'), { force: true })
  symlinkSync(join('..', '..', 'cli', 'kaos'), join(bin, 'kaos'))
}

if (process.argv.includes('--link')) {
  if (existsSync(join(root, 'cli', 'kaos'))) link()
} else if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
  console.error('kaos: installing the locked packages (once, about half a minute)')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const done = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.status !== 0) {
    console.error('kaos: npm ci failed; see its message above, then run the command again')
    process.exit(1)
  }
  writeFileSync(stamp, digest)
}
