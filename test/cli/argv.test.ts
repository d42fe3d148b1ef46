import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findCommand, normaliseArgv } from '../../cli/argv.ts'
import { commands, groups } from '../../cli/commands.ts'

describe('what people type becomes one form', () => {
  it('takes dashes and underscores in long options alike', () => {
    assert.deepEqual(normaliseArgv(['train', 'get', '--job-id', 'a-b', '--out-dir=x-y/z']), [
      'train',
      'get',
      '--job_id',
      'a-b',
      '--out_dir=x-y/z',
    ])
  })

  it('leaves short options, values and all behind -- as they are', () => {
    const words = ['-cdm', '-o', 'a-b', '--', '--not-an-option']

    assert.deepEqual(normaliseArgv(words), words)
  })

  it('reads "help train" as "train --help"', () => {
    assert.deepEqual(normaliseArgv(['help', 'train']), ['train', '--help'])
  })
})

describe('the command is found by its first words', () => {
  const ids = Object.keys(commands)

  it('takes the longest name, and hands on the rest', () => {
    const asked = findCommand(['admin', 'user', 'add', 'anna', '--role', 'viewer'], ids)

    assert.deepEqual(asked, {
      kind: 'command',
      id: 'admin:user:add',
      rest: ['anna', '--role', 'viewer'],
    })
  })

  it('knows the names in front of several commands as a group', () => {
    assert.deepEqual(findCommand(['admin', 'token'], ids), {
      kind: 'group',
      words: ['admin', 'token'],
    })
  })

  it('names the nearest command when there is none of that name', () => {
    assert.throws(() => findCommand(['train', 'delpoy'], ids), {
      code: 'USAGE',
      exit: 2,
      message: /no command "train delpoy"; did you mean kaos train deploy\?/,
    })
    assert.throws(() => findCommand(['--json'], ids), { code: 'USAGE', message: /kaos --help/ })
  })
})

describe('a command of kaos 1.x that is no more', () => {
  const ids = Object.keys(commands)

  for (const [typed, next] of [[['notebook', 'list'], /no "notebook": .*source bundle/]] as const) {
    it(`says what there is instead of ${typed[0]}`, () => {
      assert.throws(() => findCommand(typed, ids), { code: 'USAGE', exit: 2, message: next })
    })
  }
})

describe('the table of commands', () => {
  it('has the groups in the order of the original, then ours', () => {
    const first = [...new Set(Object.keys(commands).map(id => id.split(':')[0]))]

    assert.deepEqual(first.slice(0, 7), [
      'build',
      'destroy',
      'init',
      'template',
      'workspace',
      'train',
      'serve',
    ])
    const catalogue = ['data', 'model', 'up', 'worker', 'provenance', 'quarantine']
    const then = ['verify', 'evidence', 'ledger', 'admin', 'queue', 'doctor', 'config']
    assert.deepEqual(first.slice(7), [...catalogue, ...then])
  })

  it('describes every group', () => {
    const used = Object.keys(commands).flatMap(id => {
      const words = id.split(':').slice(0, -1)
      return words.map((_, at) => words.slice(0, at + 1).join(':'))
    })

    assert.deepEqual([...new Set(used)].sort(), Object.keys(groups).sort())
  })

  it('has an example, options with underscores and a summary for each option, everywhere', async () => {
    for (const [id, entry] of Object.entries(commands)) {
      const command = await entry.load()
      const words = id.replaceAll(':', ' ')
      const example = JSON.stringify(command.examples)
      assert.ok(example.includes(`<%= config.bin %> ${words}`), `${words} has no example`)
      for (const [name, flag] of Object.entries({ ...command.flags, ...command.baseFlags })) {
        assert.match(name, /^[a-z_]+$/, `${words} --${name}`)
        assert.ok(flag.summary, `${words} --${name} has no summary`)
        assert.notEqual(`${flag.char} ${name}`, 'h help')
      }
    }
  })

  it('asks before it destroys, unless told not to', async () => {
    for (const id of [
      'destroy',
      'workspace:kill',
      'serve:kill',
      'admin:user:remove',
      'admin:token:revoke',
    ]) {
      const { flags } = await commands[id]!.load()
      assert.equal(flags.yes?.char, 'y', id)
    }
  })
})
