import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readDockerfile, undeclared } from '../../runners/docker/dockerfile.ts'
import { engineName } from '../../runners/docker/leavings.ts'
import { BuildProgress } from '../../runners/docker/progress.ts'

describe('reading a Dockerfile', () => {
  it('finds the images from outside, with build arguments filled in', () => {
    const text = `
ARG BASE_IMAGE=python:3.12-slim
ARG TAG="1"
FROM --platform=linux/amd64 \${BASE_IMAGE} AS Tools
RUN true
FROM scratch
COPY --from=tools /a /a
COPY --from=0 /a /a
COPY --from=registry/other:1 /b /b
FROM base-\${KIND:-slim}:$TAG
from tools
`

    assert.deepEqual(readDockerfile(text).bases, [
      'python:3.12-slim',
      'registry/other:1',
      'base-slim:1',
    ])
    assert.deepEqual(readDockerfile(text, { BASE_IMAGE: 'mine', KIND: 'x' }).bases[0], 'mine')
  })

  it('joins continued lines, over comments and empty lines', () => {
    const text = 'FROM a\nARG ONE=1 \\\n  # between\n\n  TWO\nRUN echo ARG \\\nARG THREE\n'

    assert.deepEqual([...readDockerfile(text).declared], ['ONE', 'TWO'])
  })

  it('sees a syntax line only where the builders would', () => {
    const first = readDockerfile('#syntax = docker/dockerfile:1\nFROM a\n')
    const later = readDockerfile('# a comment\n# syntax=docker/dockerfile:1\nFROM a\n')

    assert.equal(first.syntax, 'docker/dockerfile:1')
    assert.equal(later.syntax, undefined)
  })

  it('obeys another escape character', () => {
    const file = readDockerfile('# escape=`\nFROM a `\n  AS b\nFROM b\nARG X=C:\\\nARG Y\n')

    assert.deepEqual(file.bases, ['a'])
    assert.deepEqual([...file.declared], ['X', 'Y'])
  })

  it('says which FROM line it cannot read, rather than guess', () => {
    const lines = [`FROM \${A:-\${B}}`, `FROM \${A%x}`, 'FROM "a"b', 'FROM $NOTHING', 'FROM a\\b']

    const unclear = lines.map(line => readDockerfile(`ARG A=a\n${line}\nFROM b\n`).unclear)

    assert.deepEqual(unclear, lines)
    assert.equal(readDockerfile('ARG A=a\nFROM $A\nFROM scratch').unclear, undefined)
  })

  it('finds images behind quotes and in instructions for later stages', () => {
    const text = 'FROM a AS x\nONBUILD COPY --from=b / /\nFROM x\nCopy --chown=1 --from="c" / /\n'

    assert.deepEqual(readDockerfile(text).bases, ['a', 'b', 'c'])
  })

  it('names the build arguments that it does not declare, except those every build has', () => {
    const file = readDockerfile('ARG A\nFROM a\nARG B\n')

    assert.deepEqual(undeclared(file, { A: '', B: '', C: '', HTTP_PROXY: '', no_proxy: '' }), ['C'])
  })
})

describe('names in the engine', () => {
  it('keep what an engine takes and bend the rest', () => {
    const names = ['build-train-mnist:e23a2', 'build-train-MNIST_a__b_:e23a2', ':', '../x:-y']

    const bent = names.map(engineName)

    assert.deepEqual(bent, [
      'build-train-mnist:e23a2',
      'build-train-mnist_a-b:e23a2',
      'image:latest',
      'x:y',
    ])
  })
})

describe('the story of a build', () => {
  it('is told in whole lines, and keeps the step that failed', () => {
    const lines: string[] = []
    const progress = new BuildProgress(line => lines.push(line))
    const texts = ['Step 1/2 : FROM a', '\n', ' ---> 0123456789ab\n', 'Step 2/2 : RUN x\n']

    for (const stream of texts) progress.take({ stream })
    progress.take({ stream: ' ---> Running in ba9876543210\n10%\r20%\r\npart' })
    progress.take({ status: 'Downloading', progressDetail: { current: 1 } })
    progress.take({ status: 'Pulled', id: 'abc' })
    progress.take({ error: 'it broke' })

    assert.deepEqual(lines, [
      'Step 1/2 : FROM a',
      ' ---> 0123456789ab',
      'Step 2/2 : RUN x',
      ' ---> Running in ba9876543210',
      '20%',
      'abc: Pulled',
      'part',
      'it broke',
    ])
    assert.equal(progress.failure, 'step 2/2 "RUN x" failed: it broke')
    assert.equal(progress.brokeOnBase, false)
    assert.deepEqual(progress.leavings, {
      containers: ['ba9876543210'],
      images: ['0123456789ab'],
    })
  })
})
