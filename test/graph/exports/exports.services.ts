/* The exports as others read them: the Python packages `prov` and `openlineage-python`. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { runEventOf } from '../../../graph/exports/open-lineage.ts'
import { provJson } from '../../../graph/exports/prov-json.ts'
import { sampleGraph } from './sample.ts'

/** Runs a Python program on a JSON text; answers what it prints. */
function python(program: string, input: unknown): string {
  const interpreter = process.env.KAOS_TEST_PYTHON
  assert.ok(interpreter, 'KAOS_TEST_PYTHON must name a Python with prov and openlineage-python')
  return execFileSync(interpreter, ['-c', program], { input: JSON.stringify(input) }).toString()
}

const READ_PROV = `
import sys, prov.model
document = prov.model.ProvDocument.deserialize(content=sys.stdin.read(), format='json')
again = prov.model.ProvDocument.deserialize(content=document.serialize(format='json'), format='json')
assert document == again
unified = document.unified()
print(len(list(unified.get_records(prov.model.ProvElement))), len(list(unified.get_records(prov.model.ProvRelation))))
used = list(unified.get_records(prov.model.ProvUsage))[0]
print(used.args[0].namespace.uri, dict(used.extra_attributes).values())
activity = [a for a in unified.get_records(prov.model.ProvActivity) if a.get_startTime()][0]
print(activity.get_startTime().isoformat(), activity.get_endTime().isoformat())
`

const READ_EVENT = `
import sys, json
from openlineage.client import event_v2
from openlineage.client.serde import Serde
said = json.load(sys.stdin)
def dataset(of, one): return of(namespace=one['namespace'], name=one['name'])
event = event_v2.RunEvent(
    eventType=event_v2.RunState(said['eventType']), eventTime=said['eventTime'],
    run=event_v2.Run(runId=said['run']['runId']), producer=said['producer'],
    job=event_v2.Job(namespace=said['job']['namespace'], name=said['job']['name']),
    inputs=[dataset(event_v2.InputDataset, one) for one in said['inputs']],
    outputs=[dataset(event_v2.OutputDataset, one) for one in said['outputs']])
print(json.loads(Serde.to_json(event))['run']['runId'] == said['run']['runId'])
`

describe('exports', () => {
  it('as PROV-JSON are read and unified by the Python package prov, nothing lost', () => {
    const { graph } = sampleGraph()

    const said = python(READ_PROV, provJson(graph, '0'.repeat(32)))

    const [counts, used, times] = said.trim().split('\n')
    assert.equal(counts, `${graph.nodes.length} ${graph.edges.length}`)
    assert.match(used!, /urn:kaos:0{32}:.*'data'/)
    assert.equal(times, '2026-01-01T00:00:00+00:00 2026-01-01T00:01:00+00:00')
  })

  it('as OpenLineage events are accepted by the models of its client', () => {
    const { graph, trial } = sampleGraph()
    const names = { installation: '0'.repeat(32), workspaceName: 'mnist' }

    const said = python(READ_EVENT, runEventOf(trial, graph, names))

    assert.equal(said.trim(), 'True')
  })
})
