/* Signed statements, as the programs that people have find them: regctl and crane. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { envelopeBytes } from '../../../api/attestation.ts'
import { folder, run } from '../../e2e/kaos.ts'
import { openSigned } from './signing.ts'

function needed(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} is not set: it names a program that this test runs`)
  return value
}

test('regctl lists the signed statements of a model, and crane fetches one', async t => {
  const [regctl, crane] = [needed('KAOS_TEST_REGCTL'), needed('KAOS_TEST_CRANE')]
  const { envelope, model, server } = await openSigned(t)
  const host = new URL(await server.test.listen()).host
  const home = folder(t)
  const good = async (program: string, ...args: string[]) => {
    const done = await run(program, args, { cwd: home, env: { HOME: home } })
    assert.equal(done.code, 0, done.stderr)
    return done.stdout
  }
  await good(regctl, 'registry', 'set', host, '--tls', 'disabled')
  const name = `${host}/mnist/${model}`
  const repository = name.slice(0, name.lastIndexOf(':'))

  const wanted = ['--filter-artifact-type', 'application/vnd.in-toto+json'] as const
  const format = [
    '--format',
    '{{range .Descriptors}}{{println .Digest .Annotations}}{{end}}',
  ] as const
  const listed = await good(regctl, 'artifact', 'list', name, ...wanted, ...format)
  const lines = listed.trim().split('\n')
  const digest = lines.find(line => line.includes('slsa.dev/provenance/v1'))?.split(' ')[0]
  const manifest = JSON.parse(
    await good(crane, 'manifest', '--insecure', `${repository}@${digest}`),
  ) as { layers: { digest: string }[] }
  const blob = `${repository}@${manifest.layers[0]?.digest}`
  const bytes = await good(crane, 'blob', '--insecure', blob)

  assert.equal(lines.length, 2)
  assert.equal(bytes, envelopeBytes(envelope).toString())
})
