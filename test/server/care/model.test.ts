/* Pushes, tags, removals, uses, collections and restarts in any order, against a model that knows what
 * must be kept. After each collection the store holds exactly that. KAOS_TEST_RUNS for more runs. */
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Digest } from '../../../api/digest.ts'
import type { BundleView, TagView } from '../../../api/wire.ts'
import { objectsOf } from '../../../store/trees.ts'
import { tempFolder } from '../open.ts'
import { type Files, openScene, type Scene } from './scene.ts'

const RUNS = Number(process.env.KAOS_TEST_RUNS ?? 6)
const REPOSITORIES = ['features', 'labels', 'team/images']
const TAGS = ['clean', 'latest']
const LARGE = Buffer.alloc(150_000, 'shared by all')
/** Contents that share files, chunks and folders with each other. */
const CONTENTS: readonly Files[] = [
  { 'a.csv': '1', 'deep/er/b.csv': '2' },
  { 'a.csv': '1', 'large.bin': LARGE },
  { 'in/large.bin': LARGE, 'deep/er/b.csv': '2' },
  { 'other.bin': Buffer.concat([LARGE, Buffer.from('and more')]) },
]

interface Version {
  readonly number: number
  readonly entity: string
  alive: boolean
}

/** What must be kept, and why. */
class Model {
  readonly versions = new Map<string, Version[]>()
  /** By repository and tag: an entity. */
  readonly tags = new Map<string, string>()
  readonly used = new Set<string>()
  /** Every data set there ever was. */
  readonly entities = new Set<string>()

  of(repository: string): Version[] {
    const known = this.versions.get(repository) ?? []
    this.versions.set(repository, known)
    return known
  }

  get kept(): Set<string> {
    const named = [...this.versions.values()].flat().filter(version => version.alive)
    return new Set([...named.map(one => one.entity), ...this.tags.values(), ...this.used])
  }
}

/** The server, which can be closed and opened again. */
class Real {
  readonly #t: TestContext
  readonly #folder: string
  scene: Scene
  source = ''

  constructor(t: TestContext, folder: string, scene: Scene) {
    this.#t = t
    this.#folder = folder
    this.scene = scene
  }

  async reopen(): Promise<void> {
    await this.scene.test.close()
    this.scene = await openScene(this.#t, { folder: this.#folder })
  }
}

type Command = fc.AsyncCommand<Model, Real>

class Push implements Command {
  readonly repository: string
  readonly content: number

  constructor(repository: string, content: number) {
    this.repository = repository
    this.content = content
  }

  check = () => true

  async run(model: Model, { scene }: Real): Promise<void> {
    const files = CONTENTS[this.content]!
    const order = { folder: 'sent' }
    const { version, unchanged } = await scene.push(this.repository, files, order)
    if (unchanged) return
    const { version: number, entity } = version
    model.of(this.repository).push({ number, entity, alive: true })
    model.entities.add(entity)
  }

  toString = () => `push ${this.content} to ${this.repository}`
}

/** Something that is done to a version which is there. */
abstract class OnVersion implements Command {
  readonly repository: string
  readonly pick: number

  constructor(repository: string, pick: number) {
    this.repository = repository
    this.pick = pick
  }

  check = (model: Readonly<Model>) => this.chosen(model as Model) !== undefined

  chosen(model: Model): Version | undefined {
    const alive = model.of(this.repository).filter(version => version.alive)
    return alive[this.pick % alive.length]
  }

  abstract run(model: Model, real: Real): Promise<void>
}

class Tag extends OnVersion {
  override async run(model: Model, { scene }: Real): Promise<void> {
    const { number, entity } = this.chosen(model)!
    const tag = TAGS[this.pick % TAGS.length]!
    const path = `/workspaces/mnist/repositories/${encodeURIComponent(this.repository)}/tags`
    const reference = `${this.repository}@${number}`
    const tagged = await scene.ask<TagView>('POST', path, { reference, kind: 'data', tags: [tag] })
    assert.equal(tagged.version.entity, entity)
    model.tags.set(`${this.repository}@${tag}`, entity)
  }

  override toString = () => `tag version ${this.pick} of ${this.repository}`
}

class Untag implements Command {
  readonly repository: string
  readonly tag: string

  constructor(repository: string, tag: string) {
    this.repository = repository
    this.tag = tag
  }

  check = (model: Readonly<Model>) => model.tags.has(`${this.repository}@${this.tag}`)

  async run(model: Model, { scene }: Real): Promise<void> {
    const repository = encodeURIComponent(this.repository)
    await scene.ask('DELETE', `/workspaces/mnist/repositories/${repository}/tags/${this.tag}`)
    model.tags.delete(`${this.repository}@${this.tag}`)
  }

  toString = () => `untag ${this.repository}@${this.tag}`
}

class Remove extends OnVersion {
  override async run(model: Model, { scene }: Real): Promise<void> {
    const version = this.chosen(model)!
    await scene.remove(this.repository, version.number)
    version.alive = false
    for (const [name, entity] of model.tags) {
      if (entity === version.entity && name.startsWith(`${this.repository}@`))
        model.tags.delete(name)
    }
  }

  override toString = () => `remove version ${this.pick} of ${this.repository}`
}

class Use extends OnVersion {
  override async run(model: Model, { scene, source }: Real): Promise<void> {
    const { entity } = this.chosen(model)!
    await scene.ask('POST', '/workspaces/mnist/train', { source, data: entity, again: true })
    model.used.add(entity)
  }

  override toString = () => `train on version ${this.pick} of ${this.repository}`
}

class Collect implements Command {
  check = () => true

  async run(model: Model, { scene, source }: Real): Promise<void> {
    const run = await scene.collect()
    assert.equal(run.state, 'done', run.error ?? '')
    await holdsExactly(model, scene, source)
  }

  toString = () => 'collect'
}

/** Ends the server, at rest or in the middle of a collection. */
class Restart implements Command {
  readonly collectingMs: number | undefined

  constructor(collectingMs: number | undefined) {
    this.collectingMs = collectingMs
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    if (this.collectingMs !== undefined) {
      await real.scene.ask('POST', '/admin/gc', { graceSeconds: 0 })
      await sleep(this.collectingMs)
    }
    await real.reopen()
    for (const entity of model.kept) assert.equal(await real.scene.content(entity), 200)
  }

  toString = () => `restart${this.collectingMs === undefined ? '' : ' while collecting'}`
}

/** Every object of what is kept can be read, and there is no other. */
async function holdsExactly(model: Model, scene: Scene, source: string): Promise<void> {
  const { ledger, store } = scene.parts
  const needed = new Set<Digest>()
  for (const entity of [...model.kept, source]) {
    const node = await ledger.node(entity)
    for await (const digest of objectsOf(store, node!.digest!)) {
      needed.add(digest)
      await store.get(digest)
    }
  }
  const there = await Array.fromAsync(store.list(), one => one.digest)
  assert.deepEqual(there.sort(), [...needed].sort())
}

const repository = fc.constantFrom(...REPOSITORIES)
const pick = fc.nat({ max: 5 })
const commands = fc.commands(
  [
    fc.tuple(repository, fc.nat({ max: CONTENTS.length - 1 })).map(([r, c]) => new Push(r, c)),
    fc.tuple(repository, fc.nat({ max: CONTENTS.length - 1 })).map(([r, c]) => new Push(r, c)),
    fc.tuple(repository, pick).map(([r, p]) => new Tag(r, p)),
    fc.tuple(repository, fc.constantFrom(...TAGS)).map(([r, tag]) => new Untag(r, tag)),
    fc.tuple(repository, pick).map(([r, p]) => new Remove(r, p)),
    fc.tuple(repository, pick).map(([r, p]) => new Use(r, p)),
    fc.constant(new Collect()),
    fc.option(fc.nat({ max: 20 }), { nil: undefined }).map(ms => new Restart(ms)),
  ],
  { maxCommands: 40, size: 'max' },
)

test('whatever happens, a collection keeps what is needed and takes all the rest', async t => {
  const property = fc.asyncProperty(commands, async script => {
    const folder = await tempFolder(t)
    const real = new Real(t, folder, await openScene(t, { folder }))
    const { upload, tree } = await real.scene.send({
      Dockerfile: 'FROM scratch\n',
      'model/train': '#!/bin/sh\n',
    })
    const order = { upload, tree, kind: 'train-source', folder: 'code' }
    const path = '/workspaces/mnist/bundles'
    real.source = (await real.scene.ask<BundleView>('POST', path, order)).id
    await real.scene.ask('DELETE', `/workspaces/mnist/uploads/${upload}`)
    const model = new Model()
    try {
      await fc.asyncModelRun(() => ({ model, real }), script)
      await new Collect().run(model, real)
    } finally {
      await real.scene.test.close()
    }
  })
  await fc.assert(property, { numRuns: RUNS })
})
