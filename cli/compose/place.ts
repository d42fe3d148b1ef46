/* The folder of a compose set-up: docker-compose.yml as it came with kaos, the settings in .env, and
 * secrets that are made once and never shown. Whoever has the folder and the volumes has everything. */
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { packageJson, packageRoot } from '../package-root.ts'

export const COMPOSE_FILE = 'docker-compose.yml'
const SECRETS = 'secrets'
/** What `.env` sets; other lines in it stay. */
export type Settings = Readonly<Record<string, string>>

const hex = (bytes: number) => () => randomBytes(bytes).toString('hex')
const token = () => `kaos_${randomBytes(32).toString('base64url')}`

/** Each secret of the compose file, and how one is made. */
export const MAKERS: Readonly<Record<string, (made: (name: string) => string) => string>> = {
  admin_token: token,
  worker_token: token,
  secret_key: hex(32),
  neo4j_password: hex(24),
  neo4j_auth: made => `neo4j/${made('neo4j_password')}`,
  s3_access_key: hex(10),
  s3_secret_key: hex(24),
  redis_password: hex(24),
}

export class Place {
  readonly folder: string

  constructor(folder: string) {
    this.folder = resolve(folder)
  }

  get exists(): boolean {
    return existsSync(join(this.folder, COMPOSE_FILE))
  }

  /** Where the worker keeps its inputs, at the same path in its container. */
  get workerFolder(): string {
    return this.settings.KAOS_WORKER_DIR ?? join(this.folder, 'worker')
  }

  get settings(): Settings {
    const text = readIf(join(this.folder, '.env')) ?? ''
    const pairs = text.split('\n').flatMap(line => {
      const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line) ?? []
      return name === undefined ? [] : [[name, value!.replace(/^'(.*)'$/, '$1')]]
    })
    return Object.fromEntries(pairs)
  }

  secret(name: string): string {
    return readFileSync(join(this.folder, SECRETS, name), 'utf8')
  }

  /** Writes what is not there; secrets that are there are kept, so data stay readable. */
  write(changed: Settings): void {
    const secrets = join(this.folder, SECRETS)
    // Containers read them as users of their own; on this host nobody else gets this far.
    mkdirSync(secrets, { recursive: true, mode: 0o700 })
    for (const [name, make] of Object.entries(MAKERS)) {
      const file = join(secrets, name)
      if (!existsSync(file))
        writeFileSync(
          file,
          make(one => this.secret(one)),
          { mode: 0o444 },
        )
    }
    copyFileSync(join(packageRoot, COMPOSE_FILE), join(this.folder, COMPOSE_FILE))
    writeFileSync(join(this.folder, '.gitignore'), '*\n')
    const all = Object.entries({ ...this.settings, ...changed })
    const lines = all.map(([name, value]) => `${name}='${value}'\n`)
    writeFileSync(join(this.folder, '.env'), lines.join(''), { mode: 0o600 })
  }

  /** Only what `write` made goes, and the worker's folder; whoever put more there keeps it. */
  remove(): void {
    for (const name of [SECRETS, 'worker', COMPOSE_FILE, '.gitignore', '.env']) {
      rmSync(join(this.folder, name), { recursive: true, force: true })
    }
    if (readdirSync(this.folder).length === 0) rmdirSync(this.folder)
  }
}

/** The image that this version of kaos runs as, and from where it can be built. */
export function ownImage(): { image: string; source: string | undefined } {
  const source = existsSync(join(packageRoot, 'Dockerfile')) ? packageRoot : undefined
  return { image: `kaos:${packageJson().version}`, source }
}

function readIf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
