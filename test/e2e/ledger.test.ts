import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { cli, folder, startServer } from './kaos.ts'

const LEDGER = ['ledger.sqlite', 'ledger.sqlite-wal', 'ledger.sqlite-shm']

test('the CLI says loudly when a server shows another history, whoever rewrote it', async t => {
  const data = folder(t)
  const state = folder(t)
  const kaos = cli(folder(t), { XDG_STATE_HOME: state })
  const first = await startServer(data)
  await kaos('init', '-e', first.url)
  await kaos('workspace', 'create', '-n', 'one')
  const seen = await kaos('ledger', 'verify')
  await first.stop()
  const backup = folder(t)
  cpSync(data, backup, { recursive: true })

  const second = await startServer(data, { port: portOf(first.url) })
  await kaos('workspace', 'create', '-n', 'two')
  const grown = await kaos('ledger', 'verify', '--full')
  await second.stop()
  // An older state of the whole data folder, keys and all.
  for (const name of LEDGER) rmSync(join(data, name), { force: true })
  cpSync(join(backup, 'ledger.sqlite'), join(data, 'ledger.sqlite'))
  const third = await startServer(data, { port: portOf(first.url) })
  t.after(() => third.stop())
  const truncated = await kaos('ledger', 'verify')
  for (const name of ['three', 'four', 'five']) await kaos('workspace', 'create', '-n', name)
  const rewritten = await kaos('ledger', 'verify', '--json')
  const forgotten = await kaos('ledger', 'forget', '--yes')
  const anew = await kaos('ledger', 'verify')

  assert.match(seen.stdout, /signed checkpoint: \d+ statements/)
  assert.match(grown.stdout, /same history as when it had \d+ statements/)
  assert.match(grown.stdout, /every statement, leaf and edge is what the log says/)
  assert.equal(truncated.code, 1)
  assert.match(truncated.stderr, /SHOWS ANOTHER HISTORY.*and now only \d+/s)
  assert.equal(rewritten.code, 1)
  assert.match(rewritten.stdout + rewritten.stderr, /ANOTHER HISTORY.*cannot prove/s)
  assert.equal(forgotten.code, 0, forgotten.stderr)
  assert.equal(anew.code, 0, anew.stderr)
})

test('a ledger whose graph was edited behind its back is found out by a full check', async t => {
  const data = folder(t)
  const kaos = cli(folder(t))
  const first = await startServer(data)
  await kaos('init', '-e', first.url)
  await kaos('workspace', 'create', '-n', 'one')
  await first.stop()
  const database = new DatabaseSync(join(data, 'ledger.sqlite'))
  database.exec("UPDATE node SET name = 'other' WHERE kind = 'workspace'")
  database.close()
  const second = await startServer(data, { port: portOf(first.url) })
  t.after(() => second.stop())

  const verified = await kaos('ledger', 'verify', '--full')

  assert.equal(verified.code, 1)
  assert.match(verified.stdout, /node [0-9a-f]{32} is not what the log says/)
})

function portOf(url: string): number {
  return Number(new URL(url).port)
}
