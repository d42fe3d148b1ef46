/* What building promises, on the real engine. */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, it } from 'node:test'
import type { Built } from '../../runners/runner.ts'
import {
  type Bundle,
  type DockerFixture,
  openDockerFixture,
  programDockerfile,
} from './docker-fixture.ts'

let fixture: DockerFixture
before(async () => {
  fixture = await openDockerFixture()
})
after(() => fixture?.close())

async function reasonOf(bundle: Bundle): Promise<string> {
  const { built } = await fixture.build(bundle)
  assert.equal(built.state, 'failed')
  return (built as Extract<Built, { state: 'failed' }>).reason
}

/** Ids of the engine's images in whose making this text occurs: other suites use the engine too. */
async function imagesMadeWith(text: string): Promise<string[]> {
  const found: string[] = []
  for (const { Id } of await fixture.docker.listImages({ all: true })) {
    const steps: { CreatedBy: string }[] = await fixture.docker
      .getImage(Id)
      .history()
      .catch(() => [])
    if (steps.some(step => step.CreatedBy.includes(text))) found.push(Id)
  }
  return found
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** What a command prints in a container of this image. */
async function printed(image: string, command: string[]): Promise<string> {
  const container = await fixture.docker.createContainer({
    Image: image,
    Cmd: command,
    HostConfig: { NetworkMode: 'none' },
    Tty: true,
  })
  try {
    await container.start()
    await container.wait()
    return (await container.logs({ stdout: true, stderr: true })).toString('utf8')
  } finally {
    await container.remove({ force: true, v: true })
  }
}

describe('a build that fails says why', () => {
  it('names the step and the exit code of a command that fails', async () => {
    const dockerfile = `FROM ${fixture.small}\nRUN echo first && \\\n  exit 3\n`

    const reason = await reasonOf({ dockerfile })

    assert.match(reason, /step 2\/\d+ "RUN echo first &&\s+exit 3" failed/)
    assert.match(reason, /code: 3/)
  })

  it('names a file that COPY does not find', async () => {
    const reason = await reasonOf({ dockerfile: `FROM ${fixture.small}\nCOPY weights.bin /w\n` })

    assert.match(reason, /"COPY weights.bin \/w" failed/)
    assert.match(reason, /not found/)
  })

  it('names a base image that nobody has', async () => {
    const reason = await reasonOf({ dockerfile: 'FROM kaos-test/no-such-image:1\nRUN true\n' })

    assert.match(reason, /^the base image kaos-test\/no-such-image:1 is not in the engine/)
    assert.match(reason, /could not be pulled/)
  })

  it('refuses a front end of its own, before the engine is asked', async () => {
    const dockerfile = `# syntax=docker/dockerfile:1\nFROM ${fixture.small}\n`

    assert.match(await reasonOf({ dockerfile }), /"docker\/dockerfile:1".*remove that line/)
  })

  it('reports a Dockerfile that cannot be parsed', async () => {
    assert.match(await reasonOf({ dockerfile: `FROM ${fixture.small}\nRNU true\n` }), /RNU/i)
  })

  it('refuses to start from an image that kaos built, whatever it is called', async () => {
    const { built, name } = await fixture.build({ dockerfile: `FROM ${fixture.small}\nRUN true\n` })
    assert.ok(built.state === 'succeeded')
    const id = String(built.environment.imageId)

    const reasons = [
      await reasonOf({ dockerfile: `FROM ${name}\n` }),
      await reasonOf({ dockerfile: `FROM ${id.slice(7)}\n` }),
      await reasonOf({ dockerfile: `FROM scratch\nCOPY --from="${name}" /etc /etc\n` }),
      await reasonOf({ dockerfile: `ARG A\nFROM $A\n`, buildArgs: { A: name } }),
    ]

    for (const reason of reasons) assert.match(reason, /an image that kaos built/)
    assert.equal((await fixture.docker.getImage(name).inspect()).Id, id)
  })

  it('leaves no image of a failed build behind', async () => {
    const mark = randomUUID()

    const touch = `RUN touch /${mark}`
    await reasonOf({ dockerfile: `FROM ${fixture.small}\n${touch}\nRUN touch /b && false\n` })

    assert.deepEqual(await imagesMadeWith(mark), [])
  })
})

describe('the build context', () => {
  it('is the inside of model/, without the Dockerfile and without what is ignored', async () => {
    const { built } = await fixture.prepare({
      dockerfile: programDockerfile(fixture.small),
      files: {
        train: '#!/bin/sh\n',
        'sub/keep.txt': 'k',
        'sub/drop.txt': 'd',
        'key.secret': 's',
        '.dockerignore': '*.secret\nsub\n!sub/keep.txt\n',
      },
    })

    const found = await printed(String(built.environment.imageId), [
      'find',
      '/opt/program',
      '-type',
      'f',
    ])

    const files = found.trim().split(/\r?\n/).sort()
    assert.deepEqual(files, ['/opt/program/sub/keep.txt', '/opt/program/train'])
  })

  it('keeps executable bits, and takes build arguments that the Dockerfile declares', async () => {
    const { built, log } = await fixture.build({
      dockerfile: programDockerfile('$BASE_IMAGE').replace(
        /^/,
        'ARG BASE_IMAGE=nowhere/at-all:1\n',
      ),
      files: { train: '#!/bin/sh\necho started\n' },
      buildArgs: { BASE_IMAGE: fixture.small, COLOUR: 'red' },
    })

    assert.ok(built.state === 'succeeded')
    assert.match(
      await printed(String(built.environment.imageId), ['/opt/program/train']),
      /started/,
    )
    assert.equal(log.filter(line => /COLOUR/.test(line)).length, 1)
    assert.match(log[0] ?? '', /warning: .* COLOUR/)
    assert.deepEqual(
      (built.environment.base as { name: string }[]).map(base => base.name),
      [fixture.small],
    )
  })
})

describe('a build that succeeds', () => {
  it('is an image layout in which every name is the digest of its bytes', async () => {
    const { built } = await fixture.prepare({
      dockerfile: `FROM ${fixture.small}\nRUN echo a > /a\nRUN echo b > /b\n`,
    })

    const blobs = join(built.folder, 'blobs', 'sha256')
    for (const name of await readdir(blobs)) assert.equal(await sha256Of(join(blobs, name)), name)
    const index = JSON.parse(await readFile(join(built.folder, 'index.json'), 'utf8'))
    assert.equal(index.manifests[0].digest, built.manifest)
    const manifest = JSON.parse(await readFile(join(blobs, built.manifest!.slice(7)), 'utf8'))
    const config = JSON.parse(await readFile(join(blobs, manifest.config.digest.slice(7)), 'utf8'))
    const layers = manifest.layers.map((layer: { digest: string }) => layer.digest)
    assert.deepEqual(layers, config.rootfs.diff_ids)
    assert.equal(layers.length, 3)
    assert.equal((await readdir(blobs)).length, new Set(layers).size + 2)
  })

  it('keeps the same layer once, also where the image has it twice', async () => {
    const dockerfile = `FROM ${fixture.small}\nCOPY a /x\nRUN rm /x\nCOPY a /x\n`
    const { built } = await fixture.prepare({ dockerfile, files: { a: 'the same' } })

    const blobs = join(built.folder, 'blobs', 'sha256')
    const manifest = JSON.parse(await readFile(join(blobs, built.manifest!.slice(7)), 'utf8'))

    assert.equal(manifest.layers.length, 4)
    assert.equal(manifest.layers[1].digest, manifest.layers[3].digest)
    assert.equal((await readdir(blobs)).length, 5)
    for (const layer of manifest.layers) {
      assert.equal(await sha256Of(join(blobs, layer.digest.slice(7))), layer.digest.slice(7))
    }
  })

  it('records the base image, what is inside, and the labels that the bundle declared', async () => {
    const { built, name } = await fixture.build({
      dockerfile: `FROM ${fixture.small}\nLABEL kaos.network=on other=1\n`,
    })

    assert.ok(built.state === 'succeeded')
    const { environment } = built
    assert.deepEqual(built.labels, { 'kaos.network': 'on' })
    assert.match(String(environment.python), /^3\.\d+\.\d+/)
    assert.ok(Array.isArray(environment.packages))
    assert.match(String(environment.engine), /^Docker Engine /)
    const small = await fixture.docker.getImage(fixture.small).inspect()
    assert.deepEqual(environment.base, [{ name: fixture.small, id: small.Id, digests: [] }])
    const image = await fixture.docker.getImage(name).inspect()
    assert.equal(image.Id, environment.imageId)
    assert.equal(image.Config.Labels['kaos.image'], name)
  })

  it('needs no Python inside, and keeps nothing of earlier stages in the engine', async () => {
    const mark = randomUUID()
    const first = `FROM ${fixture.small} AS tools\nRUN touch /${mark}\nRUN cp /${mark} /tool\n`
    const dockerfile = `${first}FROM scratch\nCOPY --from=tools /tool /tool\n`

    const { built } = await fixture.build({ dockerfile })

    assert.ok(built.state === 'succeeded')
    assert.equal(built.environment.python, undefined)
    assert.deepEqual(await imagesMadeWith(mark), [])
  })
})

describe('a build that is called off', () => {
  it('throws the reason and leaves no container, image or name', async () => {
    const mark = randomUUID()
    const off = new AbortController()
    const reason = new Error('called off by the test')

    const building = fixture.build({
      dockerfile: `FROM ${fixture.small}\nRUN touch /${mark}\nRUN echo begun && sleep 600 # ${mark}\n`,
      signal: off.signal,
      onLog: line => line === 'begun' && off.abort(reason),
    })

    await assert.rejects(building, error => error === reason)
    const containers = await fixture.docker.listContainers({ all: true })
    assert.deepEqual(
      containers.filter(one => one.Command.includes(mark)),
      [],
    )
    assert.deepEqual(await imagesMadeWith(mark), [])
  })

  it('takes the image away again when it is called off after the last step', async () => {
    const mark = randomUUID()
    const off = new AbortController()
    const reason = new Error('called off by the test')

    const building = fixture.build({
      dockerfile: `FROM ${fixture.small}\nRUN touch /${mark}\n`,
      signal: off.signal,
      onLog: line => line.startsWith('Successfully tagged') && off.abort(reason),
    })

    await assert.rejects(building, error => error === reason)
    assert.deepEqual(await imagesMadeWith(mark), [])
  })
})
