/* What git knows of a folder that is in a work tree: commit, branch, remote, and whether the folder has
 * changes that the commit lacks. Asked of the git program; without it, or outside of a work tree, there
 * is nothing to tell. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { GitState } from '../api/wire.ts'
import { childEnvironment } from './config.ts'

const execute = promisify(execFile)
/** A large work tree on a slow disk must not hold up a deploy. */
const PATIENCE_MS = 5000

export async function gitStateOf(folder: string): Promise<GitState | undefined> {
  const git = async (...words: string[]) => {
    const options = {
      cwd: folder,
      timeout: PATIENCE_MS,
      // Only look: no lock on the index, no prompt, no program that the work tree names.
      env: childEnvironment({ GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' }),
    }
    const { stdout } = await execute('git', ['-c', 'core.fsmonitor=false', ...words], options)
    return stdout.trim()
  }
  try {
    const commit = await git('rev-parse', '--verify', 'HEAD')
    const [branch, remote, changes] = await Promise.all([
      git('symbolic-ref', '--short', '--quiet', 'HEAD').catch(() => ''),
      git('remote', 'get-url', 'origin').catch(() => ''),
      git('status', '--porcelain', '--untracked-files=normal', '--', '.'),
    ])
    return {
      commit,
      ...(branch !== '' && { branch }),
      ...(remote !== '' && { remote: withoutSecrets(remote) }),
      dirty: changes !== '',
    }
  } catch {
    return undefined
  }
}

/** An address may carry a password, which is nobody's business. */
function withoutSecrets(remote: string): string {
  const url = URL.parse(remote)
  if (url === null || !/^https?:$/.test(url.protocol)) return remote
  url.username = ''
  url.password = ''
  return url.href
}
