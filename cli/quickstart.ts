/* npm run quickstart: the walkthrough, from an empty folder to a served model, with the real server
 * and the real command. Everything lies in one folder; a second run goes on from the first. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { environment } from './config.ts'
import { packageRoot } from './package-root.ts'
import { type Quickstart, startQuickstart } from './quickstart-server.ts'

const env = environment()
const home = env.data ?? join(packageRoot, 'kaos-quickstart')
const data = join(home, 'data')
const work = join(home, 'work')

interface Endpoint {
  name: string
  url: string
  state: string
}

async function walk(quickstart: Quickstart): Promise<void> {
  const { kaos, answer } = quickstart
  const again = existsSync(join(work, '.kaos', 'config'))
  await kaos('init', '-e', quickstart.url, ...(again ? ['--force'] : []))
  await enterWorkspace(quickstart)
  await kaos('template', 'get', '--name', 'mnist')

  const bundles = ['-s', 'templates/mnist/model-train', '-d', 'templates/mnist/data']
  await kaos('train', 'deploy', ...bundles, '--wait')
  await kaos('train', 'list')
  await kaos('train', 'info', '-i', '0')
  for (const part of ['-c', '-d', '-m']) await kaos('train', 'get', '-i', '0', part)
  const { models } = await answer<{ models: { modelId: string }[] }>('train', 'info', '-i', '0')
  const model = models[0]?.modelId ?? ''
  await kaos('train', 'provenance', '-m', model)

  for (const old of await endpoints(quickstart)) await kaos('serve', 'kill', '-e', old.name, '-y')
  await kaos('serve', 'deploy', '-s', 'templates/mnist/model-serve', '-m', model, '--wait')
  await kaos('serve', 'list')
  const [endpoint] = await endpoints(quickstart)
  if (endpoint === undefined) throw new Error('kaos serve list shows no running endpoint')
  await predict(quickstart, endpoint)
  await kaos('serve', 'get', '-i', '0')
  await kaos('serve', 'provenance', '-e', endpoint.name)
}

async function enterWorkspace({ kaos, answer }: Quickstart): Promise<void> {
  const { workspaces } = await answer<{ workspaces: { name: string }[] }>('workspace', 'list')
  const there = workspaces.some(workspace => workspace.name === 'mnist')
  await kaos('workspace', there ? 'set' : 'create', '-n', 'mnist')
}

async function endpoints({ answer }: Quickstart): Promise<Endpoint[]> {
  const { running } = await answer<{ running: Endpoint[] }>('serve', 'list')
  return running.filter(endpoint => endpoint.state === 'PIPELINE_RUNNING')
}

/** A prediction as any program would ask for it, without the kaos command. */
async function predict({ url, step }: Quickstart, { name }: Endpoint): Promise<void> {
  const file = 'templates/mnist/test_payload.json'
  const address = `${url}/${name}/invocations`
  const type = 'content-type: application/json'
  await step(`curl -X POST -H '${type}' --data-binary @${file} ${address}`, async () => {
    const body = readFileSync(join(work, file))
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(address, { method: 'POST', headers, body })
    const text = await response.text()
    process.stdout.write(`${text.trimEnd()}\n`)
    if (!response.ok) throw new Error(`the service answered ${response.status}`)
  })
}

function farewell(url: string): string {
  const kaos = join(packageRoot, 'cli', 'kaos')
  const { port } = new URL(url)
  const here = (path: string) => pathFrom(process.cwd(), path)
  const inWork = pathFrom(work, kaos)
  return `
The quickstart is done. What it left:
  ${here(work)}    the working folder: templates, downloads, drawings in mnist/provenance
  ${here(data)}    everything the server knows; its log is ${here(join(home, 'server.log'))}

The endpoint and the server were stopped. Start the server again with
  ${here(kaos)} up --data ${here(data)} --port ${port}
and go on in another terminal, with the endpoint or with a grid of hyperparameters:
  cd ${here(work)}
  ${inWork} serve deploy -s templates/mnist/model-serve -m @latest --wait
  ${inWork} train deploy -h templates/mnist/hyperopt/params.json -p 2 --wait
`
}

/** As short as it can be typed: a long way up is longer than the whole path. */
function pathFrom(folder: string, path: string): string {
  const way = relative(folder, path)
  return way.length < path.length ? way || '.' : path
}

async function quickstart(): Promise<void> {
  const log = join(home, 'server.log')
  mkdirSync(work, { recursive: true })
  let started: Quickstart | undefined
  try {
    started = await startQuickstart({ data, work, log, runner: env.runner })
    await walk(started)
    await started.stop()
    process.stdout.write(farewell(started.url))
  } catch (error) {
    await started?.stop()
    const why = error instanceof Error ? error.message : String(error)
    const step = started?.at() ?? 'kaos up'
    process.stderr.write(`\nError - the quickstart failed at "${step}": ${why}\n`)
    process.stderr.write(`The log of the server: ${log}\n`)
    process.exitCode = 1
  }
}

await quickstart()
