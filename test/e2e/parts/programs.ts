/* Parts that a test may kill: Redis, an S3 server, Neo4j and a Docker Engine of its own, each a process
 * on a free port with its data in a folder of its own. What the shared ones of the other tests were
 * started from is used again: KAOS_TEST_S3_PROGRAM is the S3 server's program (versitygw), and
 * KAOS_TEST_NEO4J_LIB the folder of Neo4j's jars; redis-server, java and dockerd are on the PATH. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Dockerode from 'dockerode'
import neo4j from 'neo4j-driver'
import { folder } from '../kaos.ts'

export interface Part {
  /** `redis`, `s3`, `neo4j`, `docker` */
  readonly name: string
  /** `host:port`, or the path of a socket. */
  readonly at: string
  /** kill -9. */
  kill(): Promise<void>
  /** Starts it again over what it kept; resolves when it answers. */
  start(): Promise<void>
  /** Stops in the middle of whatever it does, and goes on. */
  freeze(): void
  thaw(): void
}

interface Program {
  readonly name: string
  readonly at: string
  readonly command: readonly string[]
  /** More of it, chosen at each start. */
  readonly flags?: () => readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly log: string
  readonly answers: () => Promise<unknown>
  /** Runs before each start. */
  readonly before?: () => void
  /** Runs after the last end. */
  readonly after?: () => Promise<void>
}

const LOOK_MS = 50
const START_MS = 180_000

/** Starts it; it is gone after the test. */
export async function startPart(t: TestContext, program: Program): Promise<Part> {
  const { name, at, answers } = program
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    program.before?.()
    const output = openSync(program.log, 'a')
    const [file, ...parameters] = [...program.command, ...(program.flags?.() ?? [])]
    child = spawn(file!, parameters, {
      stdio: ['ignore', output, output],
      env: { ...process.env, ...program.env },
    })
    const failed = new Promise<never>((_, reject) => child!.once('error', reject))
    await Promise.race([untilAnswers(child), failed])
  }

  async function untilAnswers(started: ChildProcess): Promise<void> {
    const late = Date.now() + START_MS
    for (;;) {
      if (
        await answers().then(
          () => true,
          () => false,
        )
      )
        return
      const ended = started.exitCode !== null || started.signalCode !== null
      if (ended || Date.now() > late)
        throw new Error(`${name}: ${readFileSync(program.log, 'utf8').slice(-2000)}`)
      await sleep(LOOK_MS)
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = new Promise(resolve => ending.once('exit', resolve))
    ending.kill('SIGCONT')
    ending.kill(signal)
    await gone
  }

  t.after(async () => {
    await end('SIGTERM')
    await program.after?.()
  })
  await start()
  return {
    name,
    at,
    start,
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  }
}

function needed(variable: string, what: string): string {
  const value = process.env[variable]
  assert.ok(value && existsSync(value), `${variable} must name ${what}`)
  return value
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when something takes a connection there. */
function taken(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

/** One that forgets all it has when it ends: nothing in it may be the only copy. */
export async function ownRedis(t: TestContext): Promise<Part> {
  const port = await freePort()
  const log = join(folder(t), 'redis.log')
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const command = ['redis-server', ...options, '--maxmemory-policy', 'noeviction']
  return startPart(t, {
    name: 'redis',
    at: `127.0.0.1:${port}`,
    command,
    log,
    answers: () => taken(port),
  })
}

export const S3_KEYS = { accessKey: 'kaos-test', secretKey: 'kaos-test-secret' }

export async function ownS3(t: TestContext): Promise<Part> {
  const program = needed('KAOS_TEST_S3_PROGRAM', 'the program of an S3 server (versitygw)')
  const port = await freePort()
  const data = folder(t)
  const objects = join(data, 'objects')
  mkdirSync(objects)
  const at = `127.0.0.1:${port}`
  const command = [program, '--port', at, '--quiet', 'posix', objects]
  const env = { ROOT_ACCESS_KEY: S3_KEYS.accessKey, ROOT_SECRET_KEY: S3_KEYS.secretKey }
  const answers = () => fetch(`http://${at}/`)
  return startPart(t, { name: 's3', at, command, env, log: join(data, 's3.log'), answers })
}

const MODULES = ['java.nio', 'java.io', 'sun.nio.ch', 'java.util.concurrent']

export async function ownNeo4j(t: TestContext): Promise<Part> {
  const lib = needed('KAOS_TEST_NEO4J_LIB', "the folder of Neo4j's jars")
  const port = await freePort()
  const home = folder(t)
  const at = `127.0.0.1:${port}`
  for (const below of ['conf', 'data', 'logs', 'run', 'import', 'plugins', 'labs', 'licenses']) {
    mkdirSync(join(home, below))
  }
  const settings = [
    'server.default_listen_address=127.0.0.1',
    `server.bolt.listen_address=${at}`,
    `server.bolt.advertised_address=${at}`,
    'server.http.enabled=false',
    'server.https.enabled=false',
    'server.memory.pagecache.size=64m',
    'db.tx_log.preallocate=false',
    'dbms.usage_report.enabled=false',
    'client.allow_telemetry=false',
    'dbms.security.auth_enabled=false',
  ]
  writeFileSync(join(home, 'conf', 'neo4j.conf'), `${settings.join('\n')}\n`)
  const opens = MODULES.map(name => `--add-opens=java.base/${name}=ALL-UNNAMED`)
  const main = ['-cp', `${lib}/*`, 'org.neo4j.server.CommunityEntryPoint']
  const where = [`--home-dir=${home}`, `--config-dir=${join(home, 'conf')}`, '--console-mode']
  const command = ['java', '-Xms256m', '-Xmx256m', ...opens, ...main, ...where]
  const env = { NEO4J_HOME: home, NEO4J_CONF: join(home, 'conf') }
  const log = join(home, 'neo4j.log')
  return startPart(t, { name: 'neo4j', at, command, env, log, answers: () => asked(at) })
}

/** The port is there before the database is. */
async function asked(at: string): Promise<void> {
  const driver = neo4j.driver(`bolt://${at}`, neo4j.auth.basic('neo4j', 'any'), {
    maxTransactionRetryTime: 0,
    connectionTimeout: 2000,
  })
  try {
    await driver.executeQuery('RETURN 1')
  } finally {
    await driver.close()
  }
}

/** An engine that holds the image of this name in the shared one. Every second time that it is started it
 * finds its containers running; the other times it ends them. Its containerd is a process beside it, as on
 * every host, and lives on. It stands in a network of its own: two engines in one take each other's
 * bridge away. */
export async function ownDocker(t: TestContext, image: string): Promise<Part> {
  const shared = needed('KAOS_TEST_DOCKER_SOCKET', 'the socket of a Docker Engine')
  // A socket's path is short; and the folder can only be removed when nothing is mounted in it.
  const place = mkdtempSync(join(tmpdir(), 'kd-'))
  const [at, pid, containerd] = ['s', 'pid', 'c'].map(name => join(place, name)) as [
    string,
    string,
    string,
  ]
  const folders = ['--data-root', join(place, 'data'), '--exec-root', join(place, 'exec')]
  const begin = 'ip link set lo up && exec dockerd "$@"'
  const apart = ['unshare', '--net', 'sh', '-c', begin, 'dockerd']
  const beside = startContainerd(place, containerd)
  const own = new Dockerode({ socketPath: at })
  let starts = 0
  const part = await startPart(t, {
    name: 'docker',
    at,
    command: [
      ...apart,
      ...folders,
      '--pidfile',
      pid,
      '-H',
      `unix://${at}`,
      '--containerd',
      containerd,
    ],
    flags: () => (starts++ % 2 === 0 ? ['--live-restore'] : []),
    log: join(place, 'dockerd.log'),
    answers: () => own.ping(),
    // One that was killed leaves it, and another process may have the number by now.
    before: () => rmSync(pid, { force: true }),
    after: () => removeEngine(place, beside),
  })
  const saved = await new Dockerode({ socketPath: shared }).getImage(image).get()
  const answer = await own.loadImage(saved)
  await new Promise((resolve, reject) =>
    own.modem.followProgress(answer, error => (error ? reject(error) : resolve(undefined))),
  )
  return part
}

function startContainerd(place: string, socket: string): ChildProcess {
  const config = join(place, 'containerd.toml')
  writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
  const output = openSync(join(place, 'containerd.log'), 'a')
  const folders = ['--root', join(place, 'croot'), '--state', join(place, 'cstate')]
  const parameters = ['--config', config, '--address', socket, ...folders]
  return spawn('containerd', parameters, { stdio: ['ignore', output, output] })
}

/** What an engine leaves: its containerd, mounts, and its folder. */
async function removeEngine(place: string, containerd: ChildProcess): Promise<void> {
  const gone = once(containerd, 'exit')
  if (containerd.kill('SIGKILL')) await gone
  const mounts = readFileSync('/proc/mounts', 'utf8').matchAll(/^\S+ (\S+) /gm)
  const own = [...mounts].map(([, path]) => path!).filter(path => path.startsWith(`${place}/`))
  if (own.length > 0) execFileSync('umount', ['--lazy', ...own.reverse()])
  rmSync(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
