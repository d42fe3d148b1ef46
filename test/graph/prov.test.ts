import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RELATIONS } from '../../graph/ledger.ts'
import { allows, classOf, isRelation } from '../../graph/prov.ts'

const CLASSES = ['entity', 'activity', 'agent'] as const

test('each relation leads between exactly the classes that PROV names', () => {
  const allowed = RELATIONS.map(relation => {
    const pairs = CLASSES.flatMap(from => CLASSES.map(to => [from, to] as const))
    const ends = pairs.filter(([from, to]) => allows(relation, from, to))
    return [relation, ...ends.map(([from, to]) => `${from} ${to}`)]
  })

  assert.deepEqual(allowed, [
    ['used', 'activity entity'],
    ['wasGeneratedBy', 'entity activity'],
    ['wasDerivedFrom', 'entity entity'],
    ['wasAssociatedWith', 'activity agent'],
    ['wasAttributedTo', 'entity agent'],
    ['wasInformedBy', 'activity activity'],
    ['hadMember', 'entity entity'],
  ])
})

test('each of our kinds has one class, and other words have none', () => {
  assert.equal(classOf('model'), 'entity')
  assert.equal(classOf('train'), 'activity')
  assert.equal(classOf('worker'), 'agent')
  for (const word of ['', 'Model', 'toString', '__proto__', 'constructor']) {
    assert.equal(classOf(word), undefined)
    assert.equal(isRelation(word), false)
  }
})
