import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import type { Recipe } from '../../api/wire.ts'
import { readExperiment } from '../../cli/experiment-file.ts'
import { experimentText } from '../../cli/experiment-writing.ts'

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kaos-yaml-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'code'))
  writeFileSync(join(folder, 'params.json'), '{"degree": [4, 5]}')
  writeFileSync(join(folder, 'kaos.yaml'), text)
  return join(folder, 'kaos.yaml')
}

function refusal(t: TestContext, text: string): string {
  try {
    readExperiment(fileOf(t, text))
  } catch (error) {
    const { message, code } = error as { message: string; code: string }
    assert.equal(code, 'INVALID_EXPERIMENT')
    return message.replace(/^.*kaos\.yaml, /, '')
  }
  throw new Error(`${text} was taken`)
}

test('an experiment names folders beside it, references, parameters and resources', t => {
  const file = fileOf(
    t,
    'from: 01234567890123456789012345678901 # all digits\ncode: code\ndata: features@v3\n' +
      'hyperparams: params.json\nparallelism: 2\nresources: {cpu: 1.5, memory: 2G}\n',
  )

  const experiment = readExperiment(file)

  const beside = (name: string) => relative('', join(file, '..', name))
  assert.deepEqual(experiment, {
    from: '01234567890123456789012345678901',
    code: beside('code'),
    data: 'features@v3',
    hyperparams: { text: '{"degree": [4, 5]}', file: beside('params.json') },
    parallelism: 2,
    cpu: '1.5',
    memory: '2G',
  })
})

test('the lists of a grid can stand in the file itself', t => {
  const { hyperparams } = readExperiment(
    fileOf(t, 'code: code\nhyperparams:\n  degree: [4, 5]\n  kernel: [poly]\n'),
  )

  assert.deepEqual(hyperparams, { text: '{"degree":[4,5],"kernel":["poly"]}' })
})

test('what is wrong is told with its line', t => {
  assert.equal(
    refusal(t, 'code: code\nparallelsm: 2\n'),
    'line 2: unknown field "parallelsm"; did you mean parallelism?',
  )
  assert.match(
    refusal(t, 'code: code\n\nwhat: 1\n'),
    /^line 3: unknown field "what"; fields are from,/,
  )
  assert.match(refusal(t, 'code: [code\n'), /^line \d: /)
  assert.match(refusal(t, 'code: code\ncode: other\n'), /^line 2: Map keys must be unique/)
  assert.match(refusal(t, 'just words'), /^line 1: it must be fields with values/)
  assert.match(refusal(t, ''), /^line 1: it must be fields with values/)
  assert.match(refusal(t, 'from: abc\n'), /^line 1: it names neither code, data/)
  assert.match(
    refusal(t, 'data: nowhere\n'),
    /^line 1: data: there is no folder \S*nowhere; give a/,
  )
  assert.match(
    refusal(t, 'code: code\nmanifest: no.jsonl\n'),
    /^line 2: manifest: there is no file/,
  )
  assert.match(
    refusal(t, 'data: a@v1\nmanifest: params.json\n'),
    /^line 2: data and manifest stand/,
  )
  assert.match(
    refusal(t, 'code: code\nparallelism: many\n'),
    /^line 2: parallelism must be a whole/,
  )
  assert.match(refusal(t, 'code: code\nresources:\n  memory: lots\n'), /^line 3: /)
  assert.match(refusal(t, 'code: code\nresources: 2\n'), /^line 2: resources must be fields/)
  assert.match(refusal(t, 'code: code\nhyperparams: {degree: 4}\n'), /^line 2: .*"degree" is the/)
  assert.match(refusal(t, 'code: {a: 1}\n'), /^line 1: code must be a text/)
})

test('what checkout writes can be read', t => {
  const artifact = (name: string) => ({
    ...{ entity: '0'.repeat(32), name, tree: digestOf(name), files: 1, bytes: 1 },
  })
  const recipe: Recipe = {
    ...{ job: '01234567890123456789012345678901', workspace: 'mnist', hyperparams: null },
    ...{ code: artifact('mnist:e23a2'), data: artifact('features:9fd9d'), parallelism: 1 },
    resources: { cpu: 2, memoryBytes: 3 * 2 ** 30, gpu: 1 },
    image: { name: 'i', kind: 'oci', tree: digestOf('i'), manifest: null },
    ...{ environment: {}, lock: '', unpinned: [] },
    git: { commit: 'c'.repeat(40), dirty: true },
  }

  const text = experimentText({ recipe, code: 'code', data: recipe.data.tree, hyperparams: null })
  const read = readExperiment(fileOf(t, text))

  assert.match(text, /^ {2}memory: 3Gi$/m)
  assert.match(text, /^code: code # mnist:e23a2, sha256:[0-9a-f]{64}, commit c{40} with changes$/m)
  assert.deepEqual(
    { ...read, code: undefined },
    {
      ...{ from: recipe.job, workspace: 'mnist', code: undefined, data: recipe.data.tree },
      ...{ cpu: '2', memory: '3Gi', gpu: '1' },
    },
  )
})
