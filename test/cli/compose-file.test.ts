import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { MAKERS } from '../../cli/compose/place.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../..', name), 'utf8')

interface Service {
  image?: string
  build?: unknown
  user?: string
  restart?: string
  command?: string[]
  entrypoint?: string[]
  environment?: Record<string, string>
  secrets?: string[]
  volumes?: (string | { source?: string })[]
  ports?: string[]
  networks?: string[] | Record<string, unknown>
  cap_drop?: string[]
  security_opt?: string[]
  read_only?: boolean
  healthcheck?: { test?: string[]; disable?: boolean }
  depends_on?: Record<string, { condition: string }>
  logging?: { options: Record<string, string> }
  deploy?: { resources: { limits: { memory: string }; reservations?: unknown } }
}

const text = read('docker-compose.yml')
const file = parse(text, { merge: true }) as {
  services: Record<string, Service>
  secrets: Record<string, { file: string }>
  volumes: Record<string, unknown>
  networks: Record<string, { internal?: boolean } | null>
}
const services = Object.entries(file.services)
const lasting = services.filter(([, { restart }]) => restart !== 'no')
const dockerfile = read('Dockerfile')
const manual = read('docs/compose.md')
const { version, devDependencies } = JSON.parse(read('package.json'))

describe('the compose file', () => {
  it('sets only variables that docs/settings.md and docs/workers.md explain', () => {
    const settings = read('docs/settings.md') + read('docs/workers.md')

    const set = services.flatMap(([, { environment = {} }]) => Object.keys(environment))

    const own = [...new Set(set)].filter(name => name.startsWith('KAOS_'))
    assert.ok(own.length > 15)
    assert.deepEqual(
      own.filter(name => !settings.includes(`\`${name}\``)),
      [],
    )
  })

  it('asks for nothing that docs/compose.md does not name', () => {
    const asked = [...text.matchAll(/(?<!\$)\$\{([A-Z0-9_]+)/g)].map(match => match[1]!)

    assert.deepEqual(
      [...new Set(asked)].filter(name => !manual.includes(`\`${name}\``)),
      [],
    )
  })

  it('names every version, and that of kaos and of Node are those of the package', () => {
    const images = services.map(([, { image }]) => image!)

    for (const image of images) assert.match(image, /:v?\d+\.\d+\.\d+(-[a-z]+)?\}?$/)
    assert.equal(images[0], `\${KAOS_IMAGE:-kaos:${version}}`)
    const node = /ARG BASE_IMAGE=(\S+)/.exec(dockerfile)?.[1]
    assert.equal(node, `node:${devDependencies.node}-bookworm-slim`)
    assert.ok(text.includes(`\${KAOS_NODE_IMAGE:-${node}}`))
  })

  it('holds no secret: what is secret comes from a file', () => {
    const inline = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([key]) => /PASSWORD|SECRET|TOKEN|_KEY|AUTH/.test(key))
        .filter(([, value]) => !value.startsWith('/run/secrets/'))
        .map(([key]) => `${name}: ${key}`),
    )

    assert.deepEqual(inline, [])
    assert.deepEqual(Object.keys(file.secrets).toSorted(), Object.keys(MAKERS).toSorted())
    for (const [name, { environment = {}, secrets = [] }] of services) {
      const named = Object.values(environment).flatMap(value => {
        return /^\/run\/secrets\/(\w+)$/.exec(value)?.[1] ?? []
      })
      assert.deepEqual(
        named.filter(one => !secrets.includes(one)),
        [],
        `${name} reads what it is not given`,
      )
    }
  })

  it('is looked at, restarted, limited and kept small in every part that lasts', () => {
    for (const [name, service] of lasting) {
      const healthy = (service.healthcheck?.test?.length ?? 0) > 1 || name === 'server'
      assert.ok(healthy, `${name} has no health check`)
      assert.equal(service.restart, 'unless-stopped', name)
      assert.match(service.deploy!.resources.limits.memory, /\d+[MG]/, name)
      assert.ok(service.logging?.options['max-size'], name)
    }
    assert.match(dockerfile, /^HEALTHCHECK /m)
  })

  it('gives no part more rights than it needs, and the engine’s socket to workers alone', () => {
    for (const [name, service] of services) {
      assert.deepEqual(service.cap_drop, ['ALL'], name)
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
      const socket = JSON.stringify(service.volumes ?? []).includes('docker.sock')
      assert.equal(socket, name.startsWith('worker'), name)
      const published = service.ports ?? []
      assert.equal(published.length, name === 'server' ? 1 : 0, name)
    }
    assert.match(file.services.server!.ports![0]!, /^\$\{KAOS_BIND:-127\.0\.0\.1\}:/)
    assert.match(dockerfile, /^USER [1-9]\d+:[1-9]\d+$/m)
  })

  it('keeps ledger and store where nobody but the server reaches them', () => {
    assert.equal(file.networks.back?.internal, true)
    for (const name of ['neo4j', 's3', 'redis']) {
      assert.deepEqual(file.services[name]!.networks, ['back'], name)
    }
    const joined = ({ networks = [] }: Service) =>
      Array.isArray(networks) ? networks : Object.keys(networks)
    const inside = services.filter(([, service]) => joined(service).includes('back'))
    assert.deepEqual(
      inside.map(([name]) => name),
      ['server', 'neo4j', 's3', 'redis'],
    )
  })

  it('starts the server after what it stands on, and workers after the server', () => {
    const { server, worker } = file.services

    assert.deepEqual(
      Object.entries(server!.depends_on!).map(([name, { condition }]) => [name, condition]),
      ['neo4j', 's3', 'redis'].map(name => [name, 'service_healthy']),
    )
    assert.equal(worker!.depends_on!.server!.condition, 'service_healthy')
  })

  it('runs Redis so that it never drops what waits', () => {
    assert.match(file.services.redis!.entrypoint!.join(' '), /maxmemory-policy noeviction/)
  })

  it('has its data in volumes with names', () => {
    const named = services.flatMap(([, { volumes = [] }]) =>
      volumes.flatMap(one => /^([a-z0-9]+):/.exec(String(one))?.[1] ?? []),
    )

    assert.deepEqual([...new Set(named)].toSorted(), Object.keys(file.volumes).toSorted())
  })
})
