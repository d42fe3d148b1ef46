/* The exports of a whole workspace as others read them: the Python packages `prov` and
 * `openlineage-python`. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { openScripted } from '../jobs/scripted.ts'
import { pushed, served, trained } from './trained.ts'

const READ_PROV = `
import sys, prov.model
document = prov.model.ProvDocument.deserialize(content=sys.stdin.read(), format='json')
unified = document.unified()
for kind in (prov.model.ProvEntity, prov.model.ProvActivity, prov.model.ProvAgent):
    print(len(list(unified.get_records(kind))))
named = {str(e.identifier) for e in unified.get_records(prov.model.ProvElement)}
for relation in unified.get_records(prov.model.ProvRelation):
    assert all(str(end) in named for end in relation.args[:2]), relation
`

const READ_EVENTS = `
import sys, json
from openlineage.client import event_v2
from openlineage.client.serde import Serde
def dataset(of, one): return of(namespace=one['namespace'], name=one['name'])
states = []
for line in sys.stdin:
    said = json.loads(line)
    event = event_v2.RunEvent(
        eventType=event_v2.RunState(said['eventType']), eventTime=said['eventTime'],
        run=event_v2.Run(runId=said['run']['runId']), producer=said['producer'],
        job=event_v2.Job(namespace=said['job']['namespace'], name=said['job']['name']),
        inputs=[dataset(event_v2.InputDataset, one) for one in said['inputs']],
        outputs=[dataset(event_v2.OutputDataset, one) for one in said['outputs']])
    assert json.loads(Serde.to_json(event))['run']['runId'] == said['run']['runId']
    states.append(said['eventType'])
print(' '.join(sorted(states)))
`

function python(program: string, input: string): string {
  const interpreter = process.env.KAOS_TEST_PYTHON
  assert.ok(interpreter, 'KAOS_TEST_PYTHON must name a Python with prov and openlineage-python')
  return execFileSync(interpreter, ['-c', program], { input }).toString().trim()
}

test('a whole workspace is read by the packages prov and openlineage-python', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const { model, source, data } = await trained(server, { hyperparams: { degree: [1, 2] } })
  await served(server, model.modelId)
  await pushed(server, 'model', 'mine', { 'm.bin': '1' }, { from: model.modelId, tags: ['good'] })
  await server.train({ source: source.id, data: data.id, again: true })
  const order = await server.claimed(['trial'])
  await server.report(order, { state: 'failed', exit: 1, reason: 'it broke' })
  const base = '/workspaces/mnist/provenance/export'
  const prov = await server.call('GET', `${base}?format=prov`)
  const events = await server.call('GET', `${base}?format=openlineage`)

  const counts = python(READ_PROV, prov.body).split('\n').map(Number)
  const states = python(READ_EVENTS, events.body).split(' ')

  const { entity, activity, agent } = prov.json()
  assert.deepEqual(
    counts,
    [entity, activity, agent].map(section => Object.keys(section).length),
  )
  assert.equal(states.filter(state => state === 'FAIL').length, 2)
  assert.ok(states.filter(state => state === 'COMPLETE').length >= 8)
})
