/* The walkthrough of the original ("Reproducibility"), step by step through the real CLI. Every runner
 * and every set-up pass the same one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { cli, type Done, folder, startServer } from './kaos.ts'

export interface Walked {
  work: string
  jobId: string
  modelId: string
  endpoint: string
  answer: unknown
}

export async function walkthrough(t: TestContext, env: NodeJS.ProcessEnv): Promise<Walked> {
  const server = await startServer(folder(t), { env })
  t.after(() => server.stop())
  return walkthroughOver(t, server)
}

/** The same over servers that run already: each step at the next of them. */
export async function walkthroughOver(
  t: TestContext,
  server: { readonly url: string; readonly token?: string; readonly others?: readonly string[] },
): Promise<Walked> {
  const { token, others = [] } = server
  const urls = [server.url, ...others]
  const work = folder(t)
  let steps = 0
  const next = () => urls[steps++ % urls.length]!
  const kaos = (...args: string[]) => cli(work, { KAOS_ENDPOINT: next() })(...args)
  const good = async (...args: string[]): Promise<Done> => {
    const done = await kaos(...args)
    assert.equal(done.code, 0, `kaos ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
    return done
  }

  await good('init', '-e', server.url, ...(token === undefined ? [] : ['-t', token]))
  assert.match(
    (await good('workspace', 'create', '-n', 'mnist')).stdout,
    /Successfully set mnist workspace/,
  )
  assert.match(
    (await good('template', 'get', '--name', 'mnist')).stdout,
    /Successfully loaded mnist template/,
  )
  const deploy = [
    'train',
    'deploy',
    '-s',
    'templates/mnist/model-train',
    '-d',
    'templates/mnist/data',
    '--wait',
  ]
  const deployed = await good(...deploy)
  assert.match(deployed.stdout, / ✔ Setting source bundle: \/mnist:[0-9a-f]{5}/)
  assert.match(deployed.stdout, / ✔ Setting data bundle: \/features:[0-9a-f]{5}/)
  assert.match(deployed.stdout, /CURRENT TRAINING INPUTS/)
  const list = (await good('train', 'list')).stdout
  const jobId = /[0-9a-f]{32}/.exec(list)?.[0] ?? ''
  assert.match(
    list,
    new RegExp(`\\|\\s+0\\s+\\|\\s+\\d+\\s+\\|\\s+False\\s+\\|\\s+${jobId}\\s+\\|.*JOB_SUCCESS`),
  )
  const info = (await good('train', 'info', '-i', '0')).stdout
  const modelId = /[0-9a-f]{5}_[0-9a-f]{5}:[0-9a-f]{6}/.exec(info)?.[0] ?? ''
  assert.match(info, /Available metrics: \[.*'accuracy_test'/)
  for (const part of ['-c', '-d', '-m']) await good('train', 'get', '-i', '0', part)
  await good('train', 'provenance', '-m', modelId)
  const serve = ['serve', 'deploy', '-s', 'templates/mnist/model-serve', '-m', modelId, '--wait']
  assert.match((await good(...serve)).stdout, new RegExp(`✔ Adding trained model_id: ${modelId}`))
  const endpoint = /serve-mnist-[0-9a-f]{6}/.exec((await good('serve', 'list')).stdout)?.[0] ?? ''
  const response = await fetch(`${next()}/${endpoint}/invocations`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: readFileSync(join(work, 'templates/mnist/test_payload.json')),
  })
  assert.equal(response.status, 200)
  const answer = await response.json()
  await good('serve', 'get', '-i', '0')
  await good('serve', 'provenance', '-e', endpoint)
  const verified = await good('verify', endpoint)
  assert.match(verified.stdout, new RegExp(`✔ serving: ${endpoint} serves model ${modelId}`))
  assert.equal(verified.stdout.match(/: signed by worker/g)?.length, 3, verified.stdout)
  // The log ends with the service: after that nothing of it is left running.
  const following = kaos('serve', 'logs', '-e', endpoint, '--follow')
  await good('serve', 'kill', '-e', endpoint, '--yes')
  await following
  return { work, jobId, modelId, endpoint, answer }
}
