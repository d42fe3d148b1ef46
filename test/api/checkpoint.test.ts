import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { openCheckpoint, originOf, signedCheckpoint } from '../../api/checkpoint.ts'

const checkpoint = {
  origin: originOf('0'.repeat(32)),
  size: 12,
  root: 'ab'.repeat(32),
  at: '2026-01-01T12:00:00.000Z',
}
const key = { name: checkpoint.origin, ...generateKeyPairSync('ed25519') }

describe('a signed checkpoint', () => {
  it('is opened by whoever knows the key', () => {
    const note = signedCheckpoint(checkpoint, key)

    assert.deepEqual(openCheckpoint(note, [key]), checkpoint)
  })

  it('has the form of a signed note, byte for byte', () => {
    // RFC 8032, section 7.1, test 1.
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
    const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const frozen = { name: 'kaos/x', privateKey, publicKey: createPublicKey(privateKey) }

    const note = signedCheckpoint({ ...checkpoint, origin: 'kaos/x' }, frozen)

    assert.equal(
      note,
      [
        'kaos/x',
        '12',
        'q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=',
        'time 2026-01-01T12:00:00.000Z',
        '',
        '— kaos/x jJldi+7WHQFwoswxts31Sr+btU0TNVE0cQ2B/wcfSisGBEwlAHjLTUEIs1ESzhRREBVvRQ7aXXhrbG6UGhHv8fmasgE=',
        '',
      ].join('\n'),
    )
  })

  it('is refused when anything of it was changed, or another signed it', () => {
    const note = signedCheckpoint(checkpoint, key)
    const other = { name: key.name, ...generateKeyPairSync('ed25519') }
    const renamed = { ...key, name: 'kaos/other' }
    const forged = [
      note.replace('\n12\n', '\n11\n'),
      note.replace('time 2026', 'time 2025'),
      note.replace('kaos/0', 'kaos/1'),
      note.replace('— ', '- '),
      note.slice(0, -10),
      `${note.split('\n\n')[0]}\n`,
      '',
    ]

    for (const text of forged) {
      assert.throws(() => openCheckpoint(text, [key]), { code: 'SIGNATURE_INVALID' }, text)
    }
    assert.throws(() => openCheckpoint(note, [other]), { code: 'SIGNATURE_INVALID' })
    assert.throws(() => openCheckpoint(note, [renamed]), { code: 'SIGNATURE_INVALID' })
    assert.throws(() => openCheckpoint(note, []), { code: 'SIGNATURE_INVALID' })
  })

  it('stays good beside the signature of a witness', () => {
    const witness = { name: 'witness', ...generateKeyPairSync('ed25519') }
    const second = signedCheckpoint(checkpoint, witness).split('\n\n')[1]

    const note = signedCheckpoint(checkpoint, key) + second

    assert.deepEqual(openCheckpoint(note, [witness]), checkpoint)
    assert.deepEqual(openCheckpoint(note, [key]), checkpoint)
  })
})
