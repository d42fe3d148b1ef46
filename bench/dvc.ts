/* DVC: add and push to a remote, pull from it, with the program that DVC names. The remote is S3 when
 * KAOS_TEST_S3_* name one and the program can speak to it; else a folder on the same disk, which is
 * kinder to DVC: then no server takes part. The S3 server's costs are not ours to see. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Client } from 'minio'
import { type Contestant, type Round, sampleOf } from './contestant.ts'
import { type Cost, cost, costs, type Program } from './costs.ts'
import { bytesIn } from './making.ts'
import { homeIn } from './ours.ts'

export interface S3Place {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
}

export function s3PlaceIn(env: NodeJS.ProcessEnv): S3Place | undefined {
  const endpoint = env.KAOS_TEST_S3_ENDPOINT
  const accessKey = env.KAOS_TEST_S3_ACCESS_KEY
  const secretKey = env.KAOS_TEST_S3_SECRET_KEY
  if (!endpoint || !accessKey || !secretKey) return undefined
  return { endpoint, accessKey, secretKey }
}

export function speaksS3(program: string): boolean {
  return /^\s*s3\b/m.test(execFileSync(program, ['version'], { encoding: 'utf8' }))
}

export function dvc(program: string, place: S3Place | undefined): Contestant {
  return {
    name: 'dvc',
    ownWork: true,
    async begin({ folder, work }): Promise<Round> {
      // DVC keeps its records beside what it tracks, and puts its own files in the place of ours.
      const repository = dirname(work)
      const env = { ...homeIn(folder), DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: `${folder}/site` }
      const run = (...args: string[]) => cost(program, args, { cwd: repository, env })
      await run('init', '--no-scm')
      const remote = place === undefined ? folderRemote(folder) : await bucketRemote(place)
      await remote.add(run)
      return {
        async push() {
          const before = await remote.bytes()
          const steps: Program[] = [
            [program, 'add', '-q', 'work'],
            [program, 'push', '-q'],
          ]
          const done = await costs(steps, { cwd: repository, env })
          return { ...sampleOf(done), storedBytes: (await remote.bytes()) - before }
        },
        async checkout(_version, target) {
          for (const file of ['config', 'config.local']) {
            const [from, to] = [join(repository, '.dvc', file), join(target, '.dvc', file)]
            cpSync(from, to, { recursive: true, force: true })
          }
          cpSync(join(repository, 'work.dvc'), join(target, 'work.dvc'))
          return sampleOf(await cost(program, ['pull', '-q'], { cwd: target, env }))
        },
        end: () => remote.end(),
      }
    },
  }
}

interface Remote {
  add(run: (...args: string[]) => Promise<Cost>): Promise<void>
  bytes(): Promise<number>
  end(): Promise<void>
}

function folderRemote(folder: string): Remote {
  const path = join(folder, 'remote')
  mkdirSync(path)
  return {
    async add(run) {
      await run('remote', 'add', '-d', 'other', path)
      // So that there is a local configuration, as with S3.
      await run('remote', 'modify', '--local', 'other', 'verify', 'false')
    },
    bytes: async () => bytesIn(path),
    async end() {},
  }
}

async function bucketRemote({ endpoint, accessKey, secretKey }: S3Place): Promise<Remote> {
  const { hostname, port, protocol } = new URL(endpoint)
  const useSSL = protocol === 'https:'
  const client = new Client({
    endPoint: hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    useSSL,
    accessKey,
    secretKey,
  })
  const bucket = `bench-${Date.now().toString(36)}`
  await client.makeBucket(bucket)
  const objects = async () => {
    const all: { name: string; size: number }[] = []
    for await (const one of client.listObjectsV2(bucket, '', true)) all.push(one)
    return all
  }
  return {
    async add(run) {
      await run('remote', 'add', '-d', 'other', `s3://${bucket}/dvc`)
      await run('remote', 'modify', 'other', 'endpointurl', endpoint)
      await run('remote', 'modify', '--local', 'other', 'access_key_id', accessKey)
      await run('remote', 'modify', '--local', 'other', 'secret_access_key', secretKey)
    },
    bytes: async () => (await objects()).reduce((sum, one) => sum + one.size, 0),
    async end() {
      const names = (await objects()).map(one => one.name)
      await client.removeObjects(bucket, names)
      await client.removeBucket(bucket)
    },
  }
}
