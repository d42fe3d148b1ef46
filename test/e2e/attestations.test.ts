/* What a worker signed, from the training to a verifier without a network, with the real programs. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Verdict } from '../../api/evidence/verify.ts'
import { cli, folder, root, run, startServer } from './kaos.ts'

const TRAIN = `#!/bin/sh
mkdir -p "$1/model" "$1/metrics"
head -c 200000 /dev/zero | tr '\\0' 'x' > "$1/model/weights.bin"
echo small > "$1/model/small.txt"
echo '{"accuracy": 0.9}' > "$1/metrics/metrics.json"
`

type Kaos = ReturnType<typeof cli>

/** A server with a model that its own worker has trained. */
async function trained(t: TestContext) {
  const [data, at, state] = [folder(t), folder(t), folder(t)]
  const kaos = cli(at, { XDG_STATE_HOME: state })
  const server = await startServer(data)
  t.after(() => server.stop())
  mkdirSync(join(at, 'code', 'mnist', 'model'), { recursive: true })
  mkdirSync(join(at, 'data', 'features'), { recursive: true })
  writeFileSync(
    join(at, 'code', 'mnist', 'Dockerfile'),
    'FROM scratch\nCOPY . /opt/program\nRUN chmod +x train\n',
  )
  writeFileSync(join(at, 'code', 'mnist', 'model', 'train'), TRAIN, { mode: 0o755 })
  writeFileSync(join(at, 'code', 'mnist', 'model', '__init__.py'), '')
  writeFileSync(join(at, 'data', 'features', 'a.csv'), '1,2\n')
  await done(kaos('init', '-e', server.url))
  await done(kaos('workspace', 'create', '-n', 'mnist'))
  await done(kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--wait'))
  return { at, data, kaos, server, state }
}

async function done(running: ReturnType<Kaos>) {
  const ended = await running
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  return ended
}

test('a model is verified at the server, by its bytes, and where there is no network', async t => {
  const { at, data, kaos, server } = await trained(t)

  const online = await done(kaos('verify', '@latest'))
  await done(kaos('evidence', '@latest', '-o', 'evidence.tar', '--with_content'))
  const keys = await (await fetch(`${server.url}/.well-known/jwks.json`)).text()
  await done(run('tar', ['xf', 'evidence.tar'], { cwd: at }))
  const folderOf = await done(kaos('verify', 'content'))
  const attestation = join('attestations', readdirSync(join(at, 'attestations'))[0]!)
  const signed = await done(kaos('verify', attestation))
  const file = await done(kaos('verify', 'evidence.tar'))
  await server.stop()
  // Somebody else, who has the file and got the keys on another way.
  const elsewhere = folder(t)
  for (const name of ['evidence.tar', 'content', attestation]) {
    cpSync(join(at, name), join(elsewhere, name), { recursive: true })
  }
  writeFileSync(join(elsewhere, 'keys.json'), keys)
  const auditor = cli(elsewhere, { XDG_STATE_HOME: folder(t) })
  const offline = await done(auditor('verify', '--offline', 'evidence.tar', '--keys', 'keys.json'))
  const by = ['--offline', '--evidence', 'evidence.tar'] as const
  const bytes = await done(auditor('verify', 'content', ...by))
  const envelope = await done(auditor('verify', attestation, ...by))

  assert.match(online.stdout, /✔ content: 3 files, \d+ bytes: every byte is what sha256/)
  assert.match(online.stdout, /worker local: that it made model .* of code mnist:[0-9a-f]{5}/)
  assert.match(folderOf.stdout, /every byte in content is what/)
  assert.match(signed.stdout, /this statement is the one that the log took about/)
  assert.match(file.stdout, /history: a beginning of the \d+ statements that the server shows now/)
  assert.doesNotMatch(offline.stdout, /compare key/)
  assert.match(bytes.stdout, /every byte in content is what/)
  assert.match(
    bytes.stdout,
    /! evidence: the keys of the installation are those that the file itself/,
  )
  assert.match(envelope.stdout, /✔ outcome/)
  const mode = statSync(join(data, 'worker', 'signing-key.json')).mode & 0o777
  assert.equal(mode, 0o600)
})

test('what was changed is not verified, and the command says what and exits with 1', async t => {
  const { at, kaos } = await trained(t)
  await done(kaos('evidence', '@latest', '-o', 'evidence.tar', '--with_content'))
  await done(run('tar', ['xf', 'evidence.tar'], { cwd: at }))
  const tar = readFileSync(join(at, 'evidence.tar'))
  const place = tar.indexOf('small\n', tar.indexOf('content/model/small.txt'))
  tar.write('SMALL', place)
  writeFileSync(join(at, 'changed.tar'), tar)
  writeFileSync(join(at, 'content', 'model', 'small.txt'), 'other\n')
  const [name] = readdirSync(join(at, 'attestations'))
  const envelope = JSON.parse(readFileSync(join(at, 'attestations', name!), 'utf8'))
  const said = Buffer.from(envelope.payload, 'base64').toString().replace('mnist', 'mnisu')
  const payload = Buffer.from(said).toString('base64')
  writeFileSync(join(at, 'forged.json'), JSON.stringify({ ...envelope, payload }))

  const changed = await kaos('verify', '--offline', 'changed.tar')
  const json = await kaos('verify', '--offline', 'changed.tar', '--json')
  const bytes = await kaos('verify', 'content')
  const byFile = await kaos('verify', 'content', '--evidence', 'evidence.tar')
  const forged = await kaos('verify', 'forged.json')
  const forgedOffline = await kaos(
    ...(['verify', 'forged.json', '--offline', '--evidence', 'evidence.tar'] as const),
  )
  const alone = await kaos('verify', '--offline', 'forged.json')
  const missing = await kaos('verify', 'nosuch')

  assert.deepEqual(
    [changed, json, bytes, byFile, forged, forgedOffline, alone, missing].map(({ code }) => code),
    [1, 1, 1, 1, 1, 1, 2, 3],
  )
  assert.match(changed.stdout, /✗ content: .*content\/model\/small\.txt holds other bytes/)
  assert.match(changed.stderr, /is not proved: evidence: .*small\.txt was changed/)
  const verdict = JSON.parse(json.stdout) as Verdict
  assert.equal(verdict.good, false)
  assert.ok(verdict.findings.some(({ is }) => is === 'bad'))
  assert.match(bytes.stderr, /nothing in workspace mnist is made of the bytes in content/)
  assert.match(byFile.stderr, /content holds other bytes than/)
  assert.match(forged.stderr, /none of the known keys has signed it/)
  assert.match(forgedOffline.stderr, /none of the known keys has signed it/)
  assert.match(alone.stderr, /this alone proves nothing; give an evidence file/)
})

test('another program, without anything of kaos, comes to the same', async t => {
  const { at, kaos } = await trained(t)
  const { stdout } = await done(kaos('admin', 'keys', 'list', '--json'))
  const { keys } = JSON.parse(stdout) as { keys: { kid: string }[] }
  await done(kaos('evidence', '@latest', '-o', 'evidence.tar', '--with_content'))
  const program = join(root, 'test', 'e2e', 'check_evidence.py')
  const tar = readFileSync(join(at, 'evidence.tar'))
  tar.write('SMALL', tar.indexOf('small\n', tar.indexOf('content/model/small.txt')))
  writeFileSync(join(at, 'changed.tar'), tar)

  const good = await run('python3', [program, 'evidence.tar', keys[0]!.kid], { cwd: at })
  const bad = await run('python3', [program, 'changed.tar', keys[0]!.kid], { cwd: at })

  assert.equal(good.code, 0, good.stderr)
  const found = JSON.parse(good.stdout) as Record<string, number>
  assert.deepEqual([found.signatures, found.files], [2, 3])
  assert.equal(bad.code, 1)
  assert.match(bad.stderr, /AssertionError: content\/model\/small\.txt/)
})

test('keys are rotated and revoked by command, and what was signed before stays good', async t => {
  const { kaos } = await trained(t)
  const listed = async () => {
    const { stdout } = await done(kaos('admin', 'keys', 'list', '--json'))
    return JSON.parse(stdout) as { keys: object[]; workers: { kid: string }[] }
  }
  const [first] = (await listed()).workers

  await done(kaos('admin', 'keys', 'rotate'))
  await done(kaos('admin', 'keys', 'rotate', '--worker', first!.kid))
  await done(kaos('verify', '@latest'))
  await done(kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--again', '--wait'))
  const { keys, workers } = await listed()
  const reason = ['--reason', 'the host was broken into', '--yes'] as const
  const revoked = await done(kaos('admin', 'keys', 'revoke', first!.kid, ...reason))
  const after = await done(kaos('verify', '@latest'))
  const table = await done(kaos('admin', 'keys', 'list'))

  assert.deepEqual([keys.length, workers.length], [2, 2])
  assert.match(revoked.stdout, /of worker local is revoked/)
  // The image is the one that the first key signed.
  assert.match(after.stdout, new RegExp(`! signature: key ${first!.kid.slice(0, 8)} was revoked`))
  assert.match(table.stdout, /WORKERS[\s\S]*signs[\s\S]*revoked \d{4}-/)
})
