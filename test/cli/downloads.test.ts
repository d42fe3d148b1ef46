import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { frameHeader } from '../../api/transfer/protocol.ts'
import { encodeFile, encodeTree } from '../../api/tree.ts'
import type { Artifact, JobArtifacts } from '../../api/wire.ts'
import { Client } from '../../cli/client.ts'
import { fetchAll, inFolder, layout } from '../../cli/downloads.ts'
import { followIntoFile, followLog, saveLog } from '../../cli/logs.ts'
import { Progress } from '../../cli/progress.ts'
import { play, temporary } from './played-server.ts'

/** A folder with one file, as the server streams it. */
function folderOf(name: string, text: string): { artifact: Artifact; frames: Buffer } {
  const bytes = Buffer.from(text)
  const list = encodeFile([{ digest: digestOf(bytes), length: bytes.length }])
  const entry = { name, kind: 'executable', size: bytes.length, digest: digestOf(list) } as const
  const tree = encodeTree([entry])
  const objects = [tree, list, bytes].flatMap(object => [frameHeader(object.length), object])
  const artifact = {
    entity: 'e1',
    name: 'mnist:e23a2',
    tree: digestOf(tree),
    files: 1,
    bytes: bytes.length,
  }
  return { artifact, frames: Buffer.concat(objects) }
}

const silent = () => new Progress('Extracting train bundle', undefined)

describe('downloads', () => {
  it('are laid out as in the original', () => {
    const artifact = (name: string) => ({ ...folderOf('f', 'x').artifact, name })
    const hyper = { hash: '3fbf2', file: 'degree=5_kernel=poly.json', values: { degree: 5 } }
    const artifacts: JobArtifacts = {
      jobId: 'j',
      code: [artifact('mnist:e23a2')],
      data: [artifact('features:9fd9d')],
      models: [
        { artifact: artifact('b82151'), modelId: 'e23a2_9fd9d:b82151', hyper },
        { artifact: artifact('0c1d2e'), modelId: 'e23a2_9fd9d:0c1d2e', hyper: null },
      ],
    }

    const all = layout(artifacts, 'out', { code: true, data: true, model: true })
    const some = layout(artifacts, 'out', { code: false, data: false, model: true, modelId: '0c1' })

    assert.deepEqual(
      all.map(one => one.target),
      ['out/code/mnist:e23a2', 'out/data/features:9fd9d', 'out/models/b82151', 'out/models/0c1d2e'],
    )
    assert.deepEqual(all[2]?.extra, {
      file: '3fbf2/degree=5_kernel=poly.json',
      text: '{"degree":5}\n',
    })
    assert.deepEqual(
      some.map(one => one.target),
      ['out/models/0c1d2e'],
    )
  })

  it('never leave the folder they were asked into', () => {
    const artifact = { ...folderOf('f', 'x').artifact, name: '../../etc' }

    assert.throws(() => inFolder('out', 'code', artifact), { message: /nothing was written/ })
  })

  it('replace what is there once they are complete, with its executable bits', async t => {
    const out = temporary(t)
    const { artifact, frames } = folderOf('train', '#!/bin/sh\n')
    const { url, seen } = await play(t, (_seen, response) => response.end(frames))
    const wanted = inFolder(out, 'code', artifact)
    mkdirSync(wanted.target, { recursive: true })
    writeFileSync(join(wanted.target, 'old'), 'old')

    await fetchAll(new Client(url, undefined), '/workspaces/w', [wanted], silent())

    assert.equal(seen[0]?.url, '/api/v1/workspaces/w/entities/e1/content?unchecked=true')
    assert.deepEqual(readdirSync(wanted.target), ['train'])
    assert.equal(statSync(join(wanted.target, 'train')).mode & 0o111, 0o111)
    assert.deepEqual(readdirSync(join(out, 'code')), ['mnist:e23a2'])
  })

  it('are asked for again when they were cut', async t => {
    const { artifact, frames } = folderOf('train', 'whole')
    const { url } = await play(t, (_seen, response, call) => {
      if (call > 0) return void response.end(frames)
      response.write(frames.subarray(0, 50), () => response.destroy())
    })
    const wanted = inFolder(temporary(t), 'code', artifact)

    await fetchAll(new Client(url, undefined), '', [wanted], silent())

    assert.equal(readFileSync(join(wanted.target, 'train'), 'utf8'), 'whole')
  })

  it('are asked for once more, checked by the server, when other bytes came', async t => {
    const { artifact, frames } = folderOf('train', 'right')
    const wrong = Buffer.from(frames)
    wrong[wrong.length - 1]! ^= 1
    const { url, seen } = await play(t, (_seen, response, call) => {
      response.end(call > 0 ? frames : wrong)
    })
    const wanted = inFolder(temporary(t), 'code', artifact)

    await fetchAll(new Client(url, undefined), '', [wanted], silent())

    assert.equal(readFileSync(join(wanted.target, 'train'), 'utf8'), 'right')
    const content = '/api/v1/entities/e1/content'
    assert.deepEqual(
      seen.map(one => one.url),
      [`${content}?unchecked=true`, content],
    )
  })

  it('leave what was there, and nothing else, when they fail', async t => {
    const out = temporary(t)
    const { artifact, frames } = folderOf('train', 'new')
    frames[frames.length - 1]! ^= 1
    const { url } = await play(t, (_seen, response) => response.end(frames))
    const wanted = inFolder(out, 'code', artifact)
    mkdirSync(wanted.target, { recursive: true })
    writeFileSync(join(wanted.target, 'train'), 'old')

    await assert.rejects(fetchAll(new Client(url, undefined), '', [wanted], silent()), {
      code: 'DIGEST_MISMATCH',
    })

    assert.equal(readFileSync(join(wanted.target, 'train'), 'utf8'), 'old')
    assert.deepEqual(readdirSync(join(out, 'code')), ['mnist:e23a2'])
  })
})

describe('logs', () => {
  const LINES = '[2019-07-29 12:38:39] one\n[2019-07-29 12:38:40] two\n'

  it('are kept in a file', async t => {
    const { url } = await play(t, (_seen, response) => response.end(LINES))
    const file = join(temporary(t), 'mnist', 'logs', 'train-j.log')

    const text = await saveLog(new Client(url, undefined), '/logs', file)

    assert.equal(text, LINES)
    assert.equal(readFileSync(file, 'utf8'), LINES)
  })

  it('go on where they broke off when they are followed', async t => {
    const { url, seen } = await play(t, (_seen, response, call) => {
      if (call > 0) return void response.end(LINES)
      response.write(LINES.slice(0, 30), () => setImmediate(() => response.destroy()))
    })
    const shown: Uint8Array[] = []

    await followLog(new Client(url, undefined), '/logs', bytes => shown.push(bytes))

    assert.equal(Buffer.concat(shown).toString(), LINES)
    assert.ok(seen.every(one => one.url.endsWith('?follow=true')))
  })

  it('leave no empty file when there was nothing to follow', async t => {
    const ended = (_seen: unknown, response: ServerResponse) => response.writeHead(404).end()
    const { url } = await play(t, ended)
    const file = join(temporary(t), 'logs', 'x.log')

    await assert.rejects(followIntoFile(new Client(url, undefined), '/logs', file, () => {}))

    assert.equal(existsSync(file), false)
  })
})
