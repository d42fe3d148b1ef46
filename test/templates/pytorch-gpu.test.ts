/* What of the template needs no PyTorch: its inputs, the line about the device, and its service. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { rowsIn, runProgram, serve, TEMPLATES, temporaryFolder } from './programs.ts'

const FOLDER = join(TEMPLATES, 'pytorch-gpu')
const MODEL = join(FOLDER, 'model-train/pytorch-gpu/model')

/** Runs Python with the modules of the training at hand; answers what it prints as JSON. */
async function python(code: string): Promise<unknown> {
  const path = `import sys; sys.dont_write_bytecode = True; sys.path.insert(0, ${JSON.stringify(MODEL)})`
  const { stdout, stderr } = await runProgram('python3', ['-c', `${path}\nimport json\n${code}`])
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout)
}

/** `torch` as far as the choice of a device asks it. */
function deviceWith(available: boolean, count: number, cuda: string | null): Promise<unknown> {
  return python(`
from types import SimpleNamespace as N
import network
cuda = N(is_available=lambda: ${available ? 'True' : 'False'}, device_count=lambda: ${count},
         get_device_name=lambda number: "NVIDIA H100")
torch = N(cuda=cuda, version=N(cuda=${cuda === null ? 'None' : JSON.stringify(cuda)}))
print(json.dumps(network.pick_device(torch)))`)
}

describe('the template pytorch-gpu', () => {
  test('holds the same digits as mnist', () => {
    for (const set of ['training', 'validation', 'test']) {
      const rows = (name: string) => rowsIn(join(TEMPLATES, name, 'data/features', set))

      assert.deepEqual(rows('pytorch-gpu'), rows('mnist'))
    }
  })

  test('trains on the GPU that it was given, and else says why on the CPU', async () => {
    assert.deepEqual(await deviceWith(true, 1, '12.4'), ['cuda:0', 'training on cuda: NVIDIA H100'])
    assert.deepEqual(await deviceWith(true, 2, '12.4'), [
      'cuda:0',
      'training on cuda: NVIDIA H100 (the first of 2 that were given)',
    ])
    assert.deepEqual(await deviceWith(false, 0, null), [
      'cpu',
      'training on the CPU: this PyTorch was built without CUDA',
    ])
    const [device, line] = (await deviceWith(false, 0, '12.4')) as [string, string]
    assert.equal(device, 'cpu')
    assert.match(line, /no GPU was given to this job.*ask for one with --gpu 1/)
  })

  test('reads its images and the parameters of a grid point', async t => {
    const hyper = temporaryFolder(t)
    mkdirSync(join(hyper, '3fbf2'))
    writeFileSync(join(hyper, '3fbf2/point.json'), '{"hidden_units": 8}')
    const data = join(FOLDER, 'data/features/test')

    const read = await python(`
from pathlib import Path
import inputs
params = inputs.read_params(Path(${JSON.stringify(join(MODEL, 'params.json'))}), Path(${JSON.stringify(hyper)}))
images = inputs.read_images(Path(${JSON.stringify(data)}))
print(json.dumps([params["hidden_units"], params["epochs"], len(images), max(max(image) for _, image in images)]))`)

    assert.deepEqual(read, [8, 30, 270, 1])
  })

  test('says what is missing where there is no PyTorch', async t => {
    const out = join(temporaryFolder(t), 'out')
    // Without the folders of packages no PyTorch is found, also where there is one.
    const { code, stderr } = await runProgram('python3', ['-I', '-S', '-c', ISOLATED, MODEL, out])

    assert.equal(code, 1)
    assert.match(stderr, /PyTorch cannot be imported .*: take an image that has it/)
  })

  test('serves the weights that a network has, without PyTorch', async t => {
    const model = temporaryFolder(t)
    const layers = await python(`
from types import SimpleNamespace as N
import network
listed = lambda values: N(tolist=lambda: values)
layer = lambda weights, bias: N(weight=listed(weights), bias=listed(bias))
inner = layer([[1.0] * 64], [0.0])
outer = layer([[0.0]] * 10, [1.0 if digit == 7 else 0.0 for digit in range(10)])
print(json.dumps(network.as_json((inner, None, outer))))`)
    writeFileSync(join(model, 'model.json'), JSON.stringify(layers))
    const { url } = await serve(t, join(FOLDER, 'model-serve/pytorch-gpu'), model)

    const body = readFileSync(join(FOLDER, 'test_payload.json'))
    const answer = await fetch(`${url}/invocations`, { method: 'POST', body })

    assert.deepEqual([answer.status, await answer.json()], [200, { result: [7] }])
  })
})

const ISOLATED = `
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.argv = ["train", sys.argv[2]]
runpy.run_path(sys.path[0] + "/train", run_name="__main__")
`
