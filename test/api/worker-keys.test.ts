import assert from 'node:assert/strict'
import test from 'node:test'
import { newSigningPair, thumbprintOf } from '../../api/worker-keys.ts'

test('the name of a new key is its thumbprint, and can be typed behind a command', () => {
  for (let i = 0; i < 200; i++) {
    const { kid, x } = newSigningPair()

    assert.equal(kid, thumbprintOf(x))
    assert.doesNotMatch(kid, /^-/)
  }
})
