/* SIGTERM to a real server: what was accepted is finished, what is new is told to come back, and
 * programs go on and are adopted by the next server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import type { JobView, QueueView, TrainList, UploadView } from '../../api/wire.ts'
import { framesOf } from '../server/care/scene.ts'
import { cli, folder, startServer } from './kaos.ts'

function bundle(work: string): void {
  const model = join(work, 'code', 'steps', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'data', 'features', 'a.csv'), '1\n')
  writeFileSync(join(work, 'code', 'steps', 'Dockerfile'), 'FROM scratch\n')
  const train = `#!/bin/sh
set -e
mkdir -p "$1/model"
touch "${join(work, 'began')}"
while [ ! -e "${join(work, 'go')}" ]; do sleep 0.1; done
echo $$ > "$1/model/number"
`
  writeFileSync(join(model, 'train'), train)
  chmodSync(join(model, 'train'), 0o755)
}

interface Answer {
  status: number | undefined
  retryAfter: string | undefined
}

async function answerTo(sending: ReturnType<typeof request>): Promise<Answer> {
  const [message] = (await once(sending, 'response')) as [IncomingMessage]
  message.resume()
  await once(message, 'end')
  return { status: message.statusCode, retryAfter: message.headers['retry-after'] }
}

test('a server that is told to stop finishes what it accepted, refuses what is new, and its jobs go on', async t => {
  const [data, work] = [folder(t), folder(t)]
  bundle(work)
  const kaos = cli(work)
  const first = await startServer(data)
  t.after(() => first.stop())
  const api = `${first.url}/api/v1`
  const port = Number(new URL(first.url).port)
  const get = async <T>(path: string) => (await (await fetch(`${api}${path}`)).json()) as T
  const running = async () => {
    const { running } = await get<QueueView>('/queue')
    return running.filter(row => row.kind === 'trial')
  }
  await kaos('init', '-e', first.url)
  await kaos('workspace', 'create', '-n', 'drain')
  const deployed = await kaos('train', 'deploy', '-s', 'code', '-d', 'data')
  assert.equal(deployed.code, 0, deployed.stderr)
  while (!existsSync(join(work, 'began'))) await sleep(100)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const headers = { 'content-type': 'application/json' }
  const fresh = () => {
    const sending = request(`${api}/workspaces`, { method: 'POST', agent, headers })
    sending.end(JSON.stringify({ name: `new${Date.now()}` }))
    return answerTo(sending)
  }
  assert.equal((await fresh()).status, 201)
  const opened = await fetch(`${api}/workspaces/drain/uploads`, {
    method: 'POST',
    headers,
    body: '{}',
  })
  const { upload } = (await opened.json()) as UploadView
  const { frames } = await framesOf({ 'a.bin': Buffer.alloc(300_000, 'a') })
  const uploading = request(`${api}/workspaces/drain/uploads/${upload}/objects`, {
    method: 'POST',
    headers: { 'content-type': FRAMES_TYPE },
  })
  const uploaded = answerTo(uploading)
  uploading.write(frames.subarray(0, 100_000))
  await sleep(200)

  const gone = once(first.process, 'exit')
  first.process.kill('SIGTERM')
  const answers: Answer[] = []
  // The signal takes a moment to arrive.
  do {
    answers.push(await fresh())
  } while (answers.at(-1)?.status === 201)
  uploading.end(frames.subarray(100_000))
  const accepted = await uploaded
  const [code] = await gone
  const second = await startServer(data, { port })
  t.after(() => second.stop())
  const adopted = await running()
  writeFileSync(join(work, 'go'), '')
  const { training } = await get<TrainList>('/workspaces/drain/train')
  const job = `/workspaces/drain/jobs/${training[0]?.jobId}`
  while (!/SUCCESS|FAILURE|KILLED/.test((await get<JobView>(job)).job.state)) await sleep(200)

  assert.deepEqual(
    { status: answers.at(-1)?.status, told: Number(answers.at(-1)?.retryAfter) > 0 },
    { status: 503, told: true },
  )
  assert.equal(accepted.status, 200)
  assert.equal(code, 0)
  assert.deepEqual(
    adopted.map(row => row.attempt),
    [1],
  )
  const view = await get<JobView>(job)
  assert.deepEqual([view.job.state, view.attempts, view.models.length], ['JOB_SUCCESS', 1, 1])
})
