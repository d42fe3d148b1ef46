/* What the runner suite needs of a back end, and the small real programs it runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Image, Reach } from '../../api/attempts.ts'
import { newId } from '../../api/ids.ts'
import type { Place, Runner, RunOrder, TrialOrder } from '../../runners/runner.ts'

/** An image and the way to have it on disk, as RunOrder wants them. */
export interface Prepared {
  readonly image: Image
  layout(): Promise<string>
}

/** How another process opens the same runner: `(await import(module))[name](options)`. */
export interface Opener {
  /** URL of the module. */
  readonly module: string
  readonly name: string
  readonly options: unknown
}

export interface RunnerFixture {
  readonly runner: Runner
  readonly opener: Opener
  /** `private`: /opt/program and /pfs stand at their places, data is read-only. `variables`: the
   * program finds them through KAOS_PROGRAM, KAOS_DATA, KAOS_HYPER and KAOS_OUT alone. */
  readonly view: 'private' | 'variables'
  /** Makes the image whose /opt/program is this folder (the inside of a bundle's `model/`). The
   * programs need `sh`, `setsid` and, for services, a `python3`. */
  image(program: string): Promise<Prepared>
  /** Whether a process with this text in its command line lives on the runner's host. */
  alive(marker: string): Promise<boolean>
  /** Closes the runner and removes what the fixture made. */
  close(): Promise<void>
}

/** One attempt laid out on disk, ready to be run. */
export interface Scene {
  readonly place: Place
  readonly order: TrialOrder
  /** Where the layout was written: what another process needs instead of `layout()`. */
  readonly layout: string
}

export interface SceneOptions {
  /** File name -> text, made executable: { train: '#!/usr/bin/env python3\n…' }. */
  readonly program?: Readonly<Record<string, string>>
  /** Instead, what `train` or `serve` does, in the words of sh: one image has them all. */
  readonly script?: string
  readonly data?: Readonly<Record<string, string>>
  readonly resources?: RunOrder['resources']
}

/** What stands in CODE, with the same name, arguments and process. */
const SCRIPTED = '#!/bin/sh\nexec /bin/sh -c "$CODE" "$0" "$@"\n'
const scripted = new WeakMap<RunnerFixture['image'], Promise<Prepared>>()

/** The data folder of every scene is called this below /pfs/data. */
export const DATA_NAME = 'features:12345'

export async function sceneOf(
  t: TestContext,
  fixture: RunnerFixture,
  options: SceneOptions,
): Promise<Scene> {
  const base = await mkdtemp(join(tmpdir(), 'kaos-runner-'))
  const attempt = newId()
  const place = { attempt, dir: join(base, 'attempt') }
  t.after(async () => {
    await fixture.runner.stop(place, 0)
    await fixture.runner.release(place)
    await rm(base, { recursive: true, force: true })
  })
  const program = join(base, 'program')
  const out = join(base, 'out')
  await mkdir(place.dir)
  await mkdir(out)
  await mkdir(program)
  const { script } = options
  await writeAll(program, options.program ?? { train: SCRIPTED, serve: SCRIPTED })
  await writeAll(join(base, 'data'), options.data ?? { 'a.csv': '1,2\n' })
  await writeAll(join(base, 'hyper'), { 'abcde/lr=1.json': '{"lr": 1}' })
  const prepared = await (script === undefined ? fixture.image : scriptedImage(fixture))(program)
  return {
    place,
    layout: await prepared.layout(),
    order: {
      ...prepared,
      layout: () => prepared.layout(),
      program,
      resources: options.resources ?? {},
      env: script === undefined ? {} : { CODE: script },
      data: [{ name: DATA_NAME, path: join(base, 'data') }],
      hyper: join(base, 'hyper'),
      out,
      output: 'b82151',
    },
  }
}

/** Made from the first folder that asks for it. */
function scriptedImage({ image }: RunnerFixture): RunnerFixture['image'] {
  return program => {
    const made = scripted.get(image) ?? image(program)
    scripted.set(image, made)
    return made
  }
}

/** A folder that goes away with the test. */
export async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-runner-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function writeAll(folder: string, files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { mode: 0o755 })
  }
}

/** The whole log of a place, from an offset on. */
export async function logOf(runner: Runner, place: Place, offset = 0): Promise<string> {
  const pieces = await Array.fromAsync(runner.logs(place, offset, new AbortController().signal))
  return Buffer.concat(pieces).toString('utf8')
}

/** `fixture.alive` for a runner whose processes this host's /proc shows. */
export async function aliveOnThisHost(marker: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(marker)) return true
  }
  return false
}

/** Starts the order in another process and kills that process with SIGKILL once it runs. */
export async function startAndDie(opener: Opener, scene: Scene): Promise<void> {
  const work = { opener, place: scene.place, layout: scene.layout, order: scene.order }
  const starter = new URL('./starter.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [starter, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  let said = ''
  for await (const piece of child.stdout) {
    said += piece
    if (said.includes('started')) break
  }
  child.kill('SIGKILL')
  await ended
  if (!said.includes('started')) throw new Error('the starter ended before it started the program')
}

/** GET of an address, asked again until it answers. */
export async function answerOf(address: Reach, path: string): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await askOnce(address, path).catch(() => undefined)
    if (answer !== undefined) return answer
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`nothing answers at ${JSON.stringify(address)}`)
}

/** Rejects when nobody answers, or the one who should ends before. */
export function askOnce(address: Reach, path: string): Promise<string> {
  const at = 'socket' in address ? { socketPath: address.socket } : address
  return new Promise((resolve, reject) => {
    const call = request({ ...at, path, agent: false }, answer => {
      const pieces: Buffer[] = []
      answer.on('data', piece => pieces.push(piece))
      answer.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
      answer.on('error', reject)
    })
    call.on('error', reject)
    call.end()
  })
}

/** A program of Python as a script of sh. */
export function scriptOf(python: string): string {
  return `exec python3 - <<'END'\n${python}END\n`
}

/** A service on port 8080 (or PORT) that answers its name and the method. */
export function serviceNamed(name: string): string {
  return `#!/usr/bin/env python3
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"${name}"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

print("listening", flush=True)
HTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Answer).serve_forever()
`
}
