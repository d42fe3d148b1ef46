/* What ran when a backup was made, on a machine that is gone: trainings are tried again and endpoints
 * start again where the backup is restored. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobView, QueueView, ServeList, TrainList } from '../../api/wire.ts'
import { cli, type Done, folder, startServer } from './kaos.ts'

const SERVE = `#!/usr/bin/env python3
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open('number').read().encode())
    def do_POST(self):
        self.rfile.read(int(self.headers.get('content-length', 0)))
        self.do_GET()
http.server.HTTPServer(('', int(os.environ.get('PORT', '8080'))), Answer).serve_forever()
`

function program(work: string, name: string, file: string, text: string): void {
  const model = join(work, name, 'steps', 'model')
  mkdirSync(model, { recursive: true })
  writeFileSync(join(work, name, 'steps', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(join(model, file), text)
  chmodSync(join(model, file), 0o755)
}

const training = (work: string, until: string) => `#!/bin/sh
set -e
mkdir -p "$1/model"
while [ ! -e "${join(work, until)}" ]; do sleep 0.1; done
echo 42 > "$1/model/number"
`

test('a training that ran during a backup is tried again where it is restored, and its endpoint answers', async t => {
  const [home, work] = [folder(t), folder(t)]
  const [data, other, backups] = ['first', 'second', 'backups'].map(name => join(home, name))
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'data', 'features', 'a.csv'), '1\n')
  writeFileSync(join(work, 'now'), '')
  program(work, 'quick', 'train', training(work, 'now'))
  program(work, 'slow', 'train', training(work, 'later'))
  program(work, 'serving', 'serve', SERVE)
  const kaos = cli(work)
  const good = async (...args: string[]): Promise<Done> => {
    const done = await kaos(...args)
    assert.equal(done.code, 0, `kaos ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
    return done
  }
  const first = await startServer(data!)
  t.after(() => first.stop())
  const port = Number(new URL(first.url).port)
  const get = async <T>(path: string) =>
    (await (await fetch(`${first.url}/api/v1${path}`)).json()) as T
  const invoked = async (endpoint: string) => {
    const options = { method: 'POST', body: '{}' }
    const answer = await fetch(`${first.url}/${endpoint}/invocations`, options)
    return answer.status === 200 ? (await answer.text()).trim() : String(answer.status)
  }
  await good('init', '-e', first.url)
  await good('workspace', 'create', '-n', 'moving')
  await good('train', 'deploy', '-s', 'quick', '-d', 'data', '--wait')
  const { training: done } = await get<TrainList>('/workspaces/moving/train')
  const made = await get<JobView>(`/workspaces/moving/jobs/${done[0]?.jobId}`)
  await good('serve', 'deploy', '-s', 'serving', '-m', String(made.models[0]?.modelId), '--wait')
  const { running: endpoints } = await get<ServeList>('/workspaces/moving/serve')
  const endpoint = endpoints[0]!.name
  assert.equal(await invoked(endpoint), '42')
  await good('train', 'deploy', '-s', 'slow', '-d', 'data')
  while (!(await get<QueueView>('/queue')).running.some(row => row.kind === 'trial')) {
    await sleep(100)
  }
  const { training: both } = await get<TrainList>('/workspaces/moving/train')
  const slow = both.find(row => row.jobId !== done[0]?.jobId)!.jobId

  const backup = JSON.parse((await good('admin', 'backup', '-o', backups!, '--json')).stdout)
  await good('train', 'kill', '-j', slow, '--yes')
  await good('serve', 'kill', '-e', endpoint, '--yes')
  // From here more was seen than the backup has.
  await good('ledger', 'verify')
  await first.stop()
  mkdirSync(other!, { mode: 0o700 })
  copyFileSync(join(data!, 'secret.key'), join(other!, 'secret.key'))
  const restored = JSON.parse(
    (await good('admin', 'restore', backups!, '--data', other!, '--json')).stdout,
  )
  const second = await startServer(other!, { port })
  t.after(() => second.stop())
  writeFileSync(join(work, 'later'), '')
  const job = () => get<JobView>(`/workspaces/moving/jobs/${slow}`)
  while (!/SUCCESS|FAILURE|KILLED/.test((await job()).job.state)) await sleep(300)
  while ((await invoked(endpoint)) !== '42') await sleep(300)

  assert.equal(restored.root, backup.root)
  const view = await job()
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.models.length, 1)
  assert.ok(view.attempts >= 2, `${view.attempts} attempts`)
  // The history is another one since the backup, and whoever saw the other is told.
  const told = await kaos('ledger', 'verify')
  assert.match(told.stderr, /ANOTHER HISTORY/)
  await good('ledger', 'forget', '--yes')
  await good('ledger', 'verify', '--full')
  await good('admin', 'fsck', '--wait')
  await good('serve', 'kill', '-e', endpoint, '--yes')
})
