/* What a job costs beside its work: one trivial training, from the request to the recorded outcome
 * (ledger and store included), against a bare spawn of the same program. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli, startServer } from '../test/e2e/kaos.ts'
import { line, median, timeOf } from './measure.ts'

const ROUNDS = 15
const TRAIN = `#!/usr/bin/env python3
import os, sys
os.makedirs(sys.argv[1] + "/model")
open(sys.argv[1] + "/model/m", "w").write("m")
`

export async function jobStart(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kaos-bench-'))
  const server = await startServer(join(work, 'server'))
  try {
    const train = join(work, 'code', 'one', 'model', 'train')
    mkdirSync(join(work, 'code', 'one', 'model'), { recursive: true })
    mkdirSync(join(work, 'data', 'features'), { recursive: true })
    writeFileSync(join(work, 'code', 'one', 'Dockerfile'), 'FROM scratch\n')
    writeFileSync(join(work, 'data', 'features', 'x'), 'x')
    writeFileSync(train, TRAIN)
    chmodSync(train, 0o755)
    const kaos = cli(work)
    await kaos('init', '-e', server.url)
    await kaos('workspace', 'create', '-n', 'bench')
    await kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--wait')
    // The interpreter itself, as the runner starts it: `python3` on PATH may be a slow wrapper.
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'])
      .toString()
      .trim()
    const job: number[] = []
    const bare: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await timeOf(python, [train, join(work, `out-${round}`)], work))
      job.push(await oneJob(server.url))
    }
    line('job-start', {
      job_ms: median(job),
      spawn_ms: median(bare),
      ratio: median(job) / median(bare),
      goal: '3+fsyncs',
      n: ROUNDS,
    })
  } finally {
    await server.stop()
    rmSync(work, { recursive: true, force: true })
  }
}

async function oneJob(url: string): Promise<number> {
  const base = `${url}/api/v1/workspaces/bench`
  const start = performance.now()
  const accepted = await fetch(`${base}/train`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ again: true }),
  })
  const { job } = (await accepted.json()) as { job: { jobId: string } }
  for (;;) {
    const view = await fetch(`${base}/jobs/${job.jobId}`)
    const state = ((await view.json()) as { job: { state: string } }).job.state
    if (state === 'JOB_SUCCESS') return performance.now() - start
    if (/FAILURE|KILLED/.test(state)) throw new Error(`the job ended as ${state}`)
    await sleep(5)
  }
}
