/* The Docker runner when the engine is away: through a relay that can hang up. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { openDockerRunner } from '../../runners/docker/docker.ts'
import {
  attemptOf,
  type DockerFixture,
  openDockerFixture,
  programDockerfile,
  RUNS_CODE,
} from './docker-fixture.ts'
import { answerOf, logOf, type Prepared } from './fixture.ts'

let fixture: DockerFixture
let plain: Prepared
before(async () => {
  fixture = await openDockerFixture()
  const files = { train: RUNS_CODE }
  plain = await fixture.prepare({ dockerfile: programDockerfile(fixture.small), files })
})
after(() => fixture?.close())

/** A socket that leads to the engine until it is cut, and again after it is mended. */
async function relayTo(t: TestContext, engine: string) {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-relay-'))
  const path = join(folder, 's')
  const open = new Set<Socket>()
  let server: Server | undefined
  const mend = async () => {
    server = createServer(here => {
      const there = connect(engine)
      for (const one of [here, there]) {
        open.add(one)
        one.on('close', () => open.delete(one))
        one.on('error', () => {})
      }
      here.pipe(there).pipe(here)
      here.on('close', () => there.destroy())
      there.on('close', () => here.destroy())
    })
    await new Promise<void>(resolve => server?.listen(path, resolve))
  }
  const cut = async () => {
    const closed = new Promise(resolve => server?.close(resolve))
    for (const one of open) one.destroy()
    await closed
  }
  await mend()
  t.after(async () => {
    await cut()
    await rm(folder, { recursive: true, force: true })
  })
  return { path, cut, mend }
}

describe('an engine that does not answer', () => {
  it('is named, with the next step', async t => {
    const runner = await openDockerRunner({ socket: '/nowhere/docker.sock' })
    t.after(() => runner.close())

    const asked = runner.capabilities()

    await assert.rejects(asked, {
      code: 'RUNNER_UNAVAILABLE',
      message: /\/nowhere\/docker\.sock.*start the engine/,
    })
  })

  it('is asked again the next time', async t => {
    const relay = await relayTo(t, fixture.socket)
    const runner = await openDockerRunner({ socket: `unix://${relay.path}` })
    t.after(() => runner.close())
    await relay.cut()
    await assert.rejects(runner.capabilities(), { code: 'RUNNER_UNAVAILABLE' })
    await relay.mend()

    const { cpus, memoryBytes, gpus, engine } = await runner.capabilities()

    assert.ok(cpus >= 1)
    assert.ok(memoryBytes > 0)
    assert.equal(gpus, 0)
    assert.match(engine, /^Docker Engine \d+/)
  })
})

describe('an engine that goes away while a program runs', () => {
  it('loses neither the exit code nor a line of the log', async t => {
    const relay = await relayTo(t, fixture.socket)
    const runner = await openDockerRunner({ socket: relay.path })
    t.after(() => runner.close())
    const code = `
import time
for number in range(150):
    print("line", number, flush=True)
    time.sleep(0.01)
raise SystemExit(5)`
    const { order, place } = await attemptOf(t, fixture, plain, { code })
    const running = await runner.run(order, place)
    for await (const piece of runner.logs(place, 0, new AbortController().signal)) {
      if (Buffer.from(piece).includes('line')) break
    }

    await relay.cut()
    await assert.rejects(runner.stats(place), { code: 'RUNNER_UNAVAILABLE' })
    await relay.mend()
    const exit = await running.exit

    assert.equal(exit.state, 'failed', exit.reason)
    assert.equal(exit.exit, 5)
    const lines = (await logOf(runner, place)).trimEnd().split('\n')
    const expected = Array.from({ length: 150 }, (_, number) => `line ${number}`)
    assert.deepEqual(
      lines.map(line => line.slice(22)),
      expected,
    )
  })
})

describe('the large base image', () => {
  it('serves with nginx and gunicorn as nobody', async t => {
    const nginx = `
worker_processes 1;
daemon off;
pid /tmp/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 64; }
http {
  access_log /var/log/nginx/access.log;
  upstream app { server unix:/tmp/gunicorn.sock fail_timeout=0; }
  server { listen 8080; client_max_body_size 5m; location / { proxy_pass http://app; } }
}
`
    const serve = `#!/usr/bin/env python3
import subprocess, sys
subprocess.check_call(["ln", "-sf", "/dev/stdout", "/var/log/nginx/access.log"])
app = subprocess.Popen(["gunicorn", "-k", "gevent", "-b", "unix:/tmp/gunicorn.sock", "app:app"])
proxy = subprocess.Popen(["nginx", "-c", "/opt/program/nginx.conf"])
sys.exit(proxy.wait())
`
    const app = `import os
from flask import Flask
app = Flask(__name__)

@app.route("/ping")
def ping():
    return "uid %d" % os.getuid()
`
    const image = await fixture.prepare({
      dockerfile: programDockerfile(fixture.base),
      files: { serve, 'nginx.conf': nginx, 'app.py': app },
    })
    const { order, place } = await attemptOf(t, fixture, image)

    const running = await fixture.runner.serve(order, place)

    assert.equal(await okOf(running.address!), 'uid 65534')
    await fixture.runner.stop(place, 20_000)
    assert.equal((await running.exit).state, 'stopped')
    assert.match(await logOf(fixture.runner, place), /"GET \/ping HTTP\/1\.1" 200/)
  })
})

/** nginx answers 502 until the workers listen. */
async function okOf(address: { host: string; port: number } | { socket: string }): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await answerOf(address, '/ping')
    if (!answer.includes('502')) return answer
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return 'no worker ever answered'
}
