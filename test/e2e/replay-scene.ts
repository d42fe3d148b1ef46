/* A server and a user who trains small programs, for the tests that run them again. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { cli, type Done, folder, startServer } from './kaos.ts'

const PROGRAM = (work: string) => `#!/usr/bin/env python3
import datetime, json, os, random, sys, time
out = sys.argv[1]
os.makedirs(out + "/model")
os.makedirs(out + "/metrics")
metrics = {"accuracy": 0.9}
def write(name, value):
    with open(out + "/model/" + name, "w") as file:
        json.dump(value, file)
${work}
with open(out + "/metrics/metrics.json", "w") as file:
    json.dump(metrics, file)
`

export interface Scene {
  readonly work: string
  readonly data: string
  readonly wheels: string
  kaos(...words: string[]): Promise<Done>
  ok(...words: string[]): Promise<string>
  // biome-ignore lint/suspicious/noExplicitAny: what a command answers is looked at by what it says.
  json(...words: string[]): Promise<any>
  /** Writes the code of a bundle and trains it. */
  trained(name: string, work: string, requirements?: string): Promise<string>
}

export async function replayScene(
  t: TestContext,
  more: NodeJS.ProcessEnv = {},
  dockerfile = 'FROM scratch\n',
): Promise<Scene> {
  const wheels = folder(t)
  const data = folder(t)
  const env = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, HOME: wheels, ...more }
  const server = await startServer(data, { env })
  t.after(() => server.stop())
  const work = folder(t)
  const kaos = cli(work, { XDG_STATE_HOME: folder(t), XDG_CACHE_HOME: folder(t) })
  const ok = async (...words: string[]) => {
    const done = await kaos(...words)
    assert.equal(done.code, 0, `${words.join(' ')}: ${done.stdout}${done.stderr}`)
    return done.stdout
  }
  const json = async (...words: string[]) => {
    const done = await kaos(...words, '--json')
    assert.notEqual(done.stdout, '', `${words.join(' ')}: ${done.stderr}`)
    return JSON.parse(done.stdout)
  }
  await ok('init', '-e', server.url)
  await ok('workspace', 'create', '-n', 'again')
  write(work, 'data/lines/a.csv', '1,2\n')
  const trained = async (name: string, program: string, requirements = '') => {
    write(work, `${name}/${name}/Dockerfile`, dockerfile)
    write(work, `${name}/${name}/model/train`, PROGRAM(program))
    write(work, `${name}/${name}/model/requirements.txt`, requirements)
    const { models } = await json('train', 'deploy', '-s', name, '-d', 'data', '--wait')
    return models[0].modelId as string
  }
  return { work, data, wheels, kaos, ok, json, trained }
}

export function write(work: string, path: string, text: string): void {
  const file = join(work, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  if (text.startsWith('#!')) chmodSync(file, 0o755)
}
