/* Before a container starts: can its program be started at all? The container's own init would only
 * say "exec failed" in the log, or quietly give a text file to a shell. Looked up in the container's
 * file system through the engine, so nothing of the image runs. */
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import { extract, pack } from 'tar-stream'
import type { Sandbox } from '../sandbox.ts'
import { isGone } from './engine.ts'
import { addBytes } from './tar.ts'

/* Bits of Go's file mode, as the engine reports it. */
const DIRECTORY = 2 ** 31
const HOPS_MAX = 8
const HEAD = 256
const PASSWD_MAX = 1024 * 1024

interface Found {
  readonly path: string
  /** Permission bits. */
  readonly mode: number
  readonly isFolder: boolean
}

/** One sentence with the remedy, or undefined if the program can be started. */
export async function whyNotStartable(
  container: Dockerode.Container,
  sandbox: Sandbox,
  name: string,
): Promise<string | undefined> {
  const shown = `./${name} in ${sandbox.workingDir}`
  const found = await find(container, posix.join(sandbox.workingDir, name))
  if (found === undefined || found.isFolder) {
    return (
      `the image has no program ${shown}: put ${name} into model/ and let the Dockerfile copy it ` +
      `there (WORKDIR ${sandbox.workingDir}, COPY . ${sandbox.workingDir}/)`
    )
  }
  const wanted = sandbox.isNobody ? 0o001 : 0o111
  if ((found.mode & wanted) === 0) {
    return `the program ${shown} is not executable: add RUN chmod a+rx ${name} to the Dockerfile`
  }
  const head = await headOf(container, found.path, HEAD)
  return whyNotRunnable(head, shown) ?? (await whyNoInterpreter(container, head, shown))
}

/** A user of the image who is root under another name is so only where that is declared. */
export async function whyNotUser(
  container: Dockerode.Container,
  { user }: Sandbox,
): Promise<string | undefined> {
  const name = user.split(':')[0] ?? ''
  if (/^[+-]?\d+$/.test(name)) return undefined
  const found = await find(container, '/etc/passwd')
  if (found === undefined) return undefined
  const passwd = await headOf(container, found.path, PASSWD_MAX)
  if (passwd.length < PASSWD_MAX && !isRootIn(passwd.toString('utf8'), name)) return undefined
  return (
    `the user ${name} of the image is root, or cannot be told from it: name another in the ` +
    'Dockerfile (USER), or declare it with LABEL kaos.user=root'
  )
}

/** Whether engines run this user as root: they take the first line, and for 0 what is no number. */
export function isRootIn(passwd: string, name: string): boolean {
  const lines = passwd.split('\n').map(line => line.trim().split(':'))
  const own = lines.find(fields => fields[0] === name)
  return own !== undefined && !/^[+-]?0*[1-9]\d*$/.test(own[2] ?? '')
}

/** What is wrong with the first bytes of a program. */
export function whyNotRunnable(head: Buffer, shown: string): string | undefined {
  if (head.subarray(0, 4).toString('latin1') === '\x7fELF') return undefined
  const line = head.toString('latin1').split('\n')[0] ?? ''
  if (!line.startsWith('#!')) {
    return `the program ${shown} does not begin with a #! line: add one, such as #!/usr/bin/env python3`
  }
  if (line.endsWith('\r')) {
    return `the #! line of the program ${shown} ends in a carriage return: save it with Unix line ends`
  }
  return undefined
}

async function whyNoInterpreter(container: Dockerode.Container, head: Buffer, shown: string) {
  const path = /^#!\s*(\/\S+)/.exec(head.toString('latin1'))?.[1]
  if (path === undefined || (await find(container, path)) !== undefined) return undefined
  return `the #! line of the program ${shown} names ${path}, which the image does not have`
}

/** Gives the program's folder (not what lies below) to nobody, so that it can write beside itself. */
export async function giveFolder(
  container: Dockerode.Container,
  { user, workingDir }: Pick<Sandbox, 'user' | 'workingDir'>,
): Promise<void> {
  const [uid, gid] = user.split(':').map(Number)
  await setFolder(container, workingDir, { mode: 0o755, uid: uid!, gid: gid! })
}

/** Lets everybody write into a folder (not what lies below), as who will run the program is not known.
 * False where there is no such folder. */
export async function openFolder(container: Dockerode.Container, path: string): Promise<boolean> {
  const found = await find(container, path)
  if (found?.path !== path || !found.isFolder) return false
  await setFolder(container, path, { mode: 0o777, uid: 0, gid: 0 })
  return true
}

async function setFolder(
  container: Dockerode.Container,
  path: string,
  owner: { mode: number; uid: number; gid: number },
): Promise<void> {
  const { dir, base } = posix.parse(path)
  const tar = pack()
  const added = addBytes(tar, { name: `${base}/`, type: 'directory', ...owner })
  tar.finalize()
  const bytes = Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Buffer>))
  await added
  await container.putArchive(bytes, { path: dir })
}

/** Follows symbolic links to what the path stands for. */
async function find(container: Dockerode.Container, path: string): Promise<Found | undefined> {
  let at = path
  for (let hops = 0; hops < HOPS_MAX; hops++) {
    const stat = await statOf(container, at)
    if (stat === undefined) return undefined
    if (!stat.linkTarget) {
      return { path: at, mode: stat.mode & 0o777, isFolder: stat.mode >= DIRECTORY }
    }
    at = posix.resolve(posix.dirname(at), stat.linkTarget)
  }
  return undefined
}

async function statOf(container: Dockerode.Container, path: string) {
  try {
    const answer = (await container.infoArchive({ path })) as {
      headers: Record<string, string | undefined>
      resume(): void
    }
    answer.resume()
    const text = Buffer.from(answer.headers['x-docker-container-path-stat'] ?? '', 'base64')
    return JSON.parse(text.toString('utf8')) as { mode: number; linkTarget: string }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

async function headOf(container: Dockerode.Container, path: string, most: number): Promise<Buffer> {
  const archive = (await container.getArchive({ path })) as Readable
  const entries = extract()
  archive.on('error', error => entries.destroy(error))
  archive.pipe(entries as unknown as NodeJS.WritableStream)
  try {
    for await (const entry of entries) {
      let head = Buffer.alloc(0)
      for await (const piece of entry) {
        head = Buffer.concat([head, piece as Buffer])
        if (head.length >= most) break
      }
      return head.subarray(0, most)
    }
    return Buffer.alloc(0)
  } finally {
    archive.unpipe()
    archive.destroy()
    entries.destroy()
  }
}
