/* What can be said of a host by its settings alone, whether a server runs or not. */
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, constants, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DoctorFinding as Finding } from '../../api/wire.ts'
import type { Settings } from '../parts.ts'
import { engineAnswers } from '../system/engine.ts'
import { bad, bytesText, good, type Look, warning } from './findings.ts'

/** The process runner's own ways to try what this host can do. */
export interface Probes {
  askPython(command: string): Promise<{ path: string; version: string }>
  tryAbilities(python: string): Promise<{ view: boolean; net: boolean }>
  /** The interpreter that is set. */
  readonly python: string
}

const DAY_MS = 24 * 3600_000
/** A certificate that ends within so many days is told. */
const EXPIRES_SOON_DAYS = 21
const OTHERS_MAY = 0o077

export function hostLooks(
  settings: Settings,
  probes: Probes,
  now: () => number,
): Record<string, Look> {
  const { tls } = settings
  return {
    'data folder': () => dataFolder(settings),
    'secret key': () => secretKey(settings),
    runner: () => runner(settings, probes),
    ...(tls && { 'TLS certificate': () => certificate(tls.cert, now()) }),
  }
}

async function dataFolder({ data, reserve, s3 }: Settings): Promise<Finding[]> {
  const place = existsSync(data) ? data : dirname(data)
  try {
    await access(place, constants.W_OK)
  } catch {
    const mend = `give its owner the right to write: chown -R $USER ${data}`
    return [bad('data folder', `${place} cannot be written to`, mend)]
  }
  const { bavail, bsize, blocks } = await statfs(place)
  const [free, all] = [bavail * bsize, blocks * bsize]
  const kept = Math.max(reserve.bytes, all * reserve.share)
  const text = `${data}: ${bytesText(free)} of ${bytesText(all)} free`
  if (free < kept) {
    const what = `${text}, less than the ${bytesText(kept)} that are kept free: writes are refused (507)`
    return [bad('data folder', what, roomIn(s3 !== undefined))]
  }
  if (free < 2 * kept) return [warning('data folder', text, roomIn(s3 !== undefined))]
  return [good('data folder', text)]
}

function roomIn(bucket: boolean): string {
  const collect = bucket ? '' : 'kaos admin gc --grace 1d --wait, '
  return `make room: ${collect}a larger volume, or a smaller KAOS_CACHE_GB`
}

async function secretKey({ data, secretKeyFile }: Settings): Promise<Finding> {
  const file = secretKeyFile ?? join(data, 'secret.key')
  const facts = await stat(file).catch(() => undefined)
  if (facts === undefined) {
    if (secretKeyFile === undefined && !existsSync(join(data, 'ledger.sqlite'))) {
      return good('secret key', `${file} is made at the first start`)
    }
    return bad('secret key', `${file} is missing`, 'put back the copy of it that was kept')
  }
  if ((facts.mode & OTHERS_MAY) !== 0) {
    const mode = (facts.mode & 0o777).toString(8)
    return warning('secret key', `others may read ${file} (mode ${mode})`, `chmod 600 ${file}`)
  }
  return good('secret key', `${file}, readable by its owner alone; keep a copy elsewhere`)
}

async function certificate(file: string, now: number): Promise<Finding> {
  const { validTo, validFrom, subject } = new X509Certificate(await readFile(file))
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  const what = `${subject.split('\n').at(-1)} in ${file} ends in ${days} days (${validTo})`
  const mend = 'get a new one, put it in its place and restart the server'
  if (Date.parse(validFrom) > now) {
    const mend = 'set the clock of this host right, or wait'
    return bad('TLS certificate', `${file} is not valid before ${validFrom}`, mend)
  }
  if (days < 0) return bad('TLS certificate', `${file} has ended on ${validTo}`, mend)
  return days < EXPIRES_SOON_DAYS
    ? warning('TLS certificate', what, mend)
    : good('TLS certificate', what)
}

async function runner(settings: Settings, probes: Probes): Promise<Finding | Finding[]> {
  if (settings.runner === 'process') return processRunner(probes)
  const { runner, dockerSocket } = settings
  if (runner === 'docker' && dockerSocket !== undefined) return docker(dockerSocket)
  return good('runner', `${runner}, elsewhere: its workers say how it is`)
}

async function docker(path: string): Promise<Finding> {
  if (await engineAnswers({ path })) return good('runner', `a Docker engine answers at ${path}`)
  const why = await access(path, constants.W_OK).then(
    () => 'no engine answers',
    (error: NodeJS.ErrnoException) =>
      error.code === 'EACCES' ? 'this user may not open it' : 'there is no such socket',
  )
  const mend =
    why === 'this user may not open it'
      ? 'let the user into its group: usermod -aG docker $USER, then log in again'
      : 'start the engine, name its socket with KAOS_DOCKER_SOCKET, or use --runner process'
  return bad('runner', `docker, ${path}: ${why}`, mend)
}

async function processRunner({ askPython, tryAbilities, python }: Probes): Promise<Finding[]> {
  let found: Awaited<ReturnType<Probes['askPython']>>
  try {
    found = await askPython(python)
  } catch (error) {
    const mend = 'install Python 3 with venv, or name one with KAOS_PYTHON'
    return [bad('runner', (error as Error).message, mend)]
  }
  const { view, net } = await tryAbilities(found.path)
  const text = `process, Python ${found.version} at ${found.path}; no isolation: only code that you trust`
  if (view && net) return [good('runner', `${text}; /pfs and port 8080 at their places`)]
  const missing = [
    ...(view ? [] : ['programs find /pfs and /opt/program through KAOS_DATA, KAOS_OUT … only']),
    ...(net ? [] : ['services share the ports of this host and must listen at PORT']),
  ]
  const mend =
    'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), run as root, or use --runner docker'
  return [warning('runner', `${text}; ${missing.join('; ')}`, mend)]
}
