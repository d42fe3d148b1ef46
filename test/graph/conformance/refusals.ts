/* What a commit refuses before it writes anything. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newId } from '../../../api/ids.ts'
import type { Commit, Json, NewNode, Statement } from '../../../graph/ledger.ts'
import {
  activity,
  agent,
  derived,
  entity,
  type Open,
  ORGANISATION,
  stagePerTest,
} from '../stage.ts'

const data = entity()
const trial = activity()
const person = agent()
const known = { nodes: [data, trial, person] }

/** As a client in another language, or a slip past the types, could send it. */
function node(odd: object): Partial<Statement> {
  return { nodes: [{ ...entity(), ...odd } as NewNode] }
}

const STATEMENTS: readonly [string, Partial<Statement>, RegExp][] = [
  ['an empty type', { type: '' }, /type of a statement/],
  ['an empty workspace', { workspace: '' }, /workspace/],
  ['an id that is none', node({ id: 'mnist:e23a2' }), /32 hex digits/],
  ['an unknown kind', node({ kind: 'dataset' }), /unknown kind "dataset"; known: .*source/],
  ['a kind of another class', node({ kind: 'train' }), /is activity, not "entity"/],
  ['a digest that is none', node({ digest: 'sha256:abc' }), /no valid digest/],
  ['an empty name', node({ name: '' }), /name of node/],
  ['no attributes', node({ attributes: undefined }), /needs attributes/],
  ['attributes that are a list', node({ attributes: [] }), /needs attributes/],
  ['a number that is none', node({ attributes: { n: Number.NaN } }), /NaN is no JSON number/],
  ['a date', node({ attributes: { at: new Date() } }), /class Date/],
  ['half a character', node({ attributes: { text: '\ud800' } }), /surrogate/],
  ['a name of half a character', node({ name: 'a\udc00' }), /valid Unicode/],
  [
    'an unknown relation',
    { edges: [{ from: trial.id, relation: 'uses' as 'used', to: data.id }] },
    /no relation "uses"/,
  ],
  [
    'a relation between the wrong classes',
    { ...known, edges: [{ from: data.id, relation: 'used', to: trial.id }] },
    /used can not lead from an entity to an activity/,
  ],
  ['an edge to nowhere', { ...known, edges: [derived(data, entity())] }, /which is not there/],
  ['an edge from nowhere', { ...known, edges: [derived(entity(), data)] }, /which is not there/],
  [
    'an empty role',
    { ...known, edges: [{ ...derived(data, data), role: '' }] },
    /role of wasDerivedFrom/,
  ],
  ['a pointer without a name', { moves: [{ pointer: '', target: 'a' }] }, /name of a pointer/],
  [
    'a pointer that moves twice',
    {
      moves: [
        { pointer: 'p', target: 'a' },
        { pointer: 'p', target: null },
      ],
    },
    /moves pointer p twice/,
  ],
  ['more than 1 MiB', node({ attributes: { text: 'x'.repeat(1024 * 1024) } }), /bytes/],
]

const COMMITS: readonly [string, Partial<Commit>, RegExp][] = [
  ['an actor that is no id', { actor: 'jfriedman' }, /actor.*32 hex digits/],
  ['an actor that nobody knows', { actor: newId() }, /is no agent/],
  ['an empty organisation', { organisation: '' }, /organisation/],
  ['a record without a key', { records: [{ key: '', value: 1 }] }, /key of a record/],
  ['a record with NUL in its key', { records: [{ key: 'a\0b', value: 1 }] }, /without NUL/],
  [
    'a record of more than 1 MiB',
    { records: [{ key: 'k', value: 'x'.repeat(2 ** 20) }] },
    /larger/,
  ],
  [
    'a record with a number that is none',
    { records: [{ key: 'k', value: Number.NaN }] },
    /record k/,
  ],
  ['half a millisecond', { records: [{ key: 'k', value: 1, expires: 0.5 }] }, /milliseconds/],
  ['a version that is none', { expect: [{ record: 'k', version: -1 }] }, /no version/],
]

export function refusalCases(open: Open): void {
  describe('a commit is refused', () => {
    const stage = stagePerTest(open)

    for (const [what, statement, message] of STATEMENTS) {
      it(`for a statement with ${what}`, async () => {
        const statements = [{ type: 'test.said', ...statement }]

        await assert.rejects(stage.commit({ statements }), { code: 'BAD_REQUEST', message })

        assert.equal((await stage.ledger.head()).size, 1)
      })
    }

    for (const [what, commit, message] of COMMITS) {
      it(`for ${what}`, async () => {
        const whole = { actor: stage.actor, organisation: ORGANISATION, ...commit }

        await assert.rejects(stage.ledger.commit(whole), { code: 'BAD_REQUEST', message })

        assert.deepEqual(await stage.ledger.records(''), [])
      })
    }

    it('for an actor that is no agent', async () => {
      await stage.say({ nodes: [data] })

      const commit = { actor: data.id, organisation: ORGANISATION }

      await assert.rejects(stage.ledger.commit(commit), { code: 'BAD_REQUEST' })
    })

    it('for JSON that is nested too deeply', async () => {
      let deep: Json = 1
      for (let level = 0; level < 100_000; level++) deep = [deep]

      const saying = stage.say({ nodes: [entity({ attributes: { deep } })] })

      await assert.rejects(saying, { code: 'JSON_TOO_DEEP' })
    })
  })
}
