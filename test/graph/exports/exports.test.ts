import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runEventOf } from '../../../graph/exports/open-lineage.ts'
import { provJson } from '../../../graph/exports/prov-json.ts'
import { sampleGraph } from './sample.ts'

const INSTALLATION = '0'.repeat(32)

describe('PROV-JSON', () => {
  it('names every element once, in the section of its class, with its attributes typed', () => {
    const { graph, data, trial, user } = sampleGraph()

    const document = provJson(graph, INSTALLATION)

    assert.deepEqual(document.prefix, { kaos: `urn:kaos:${INSTALLATION}:` })
    const entity = (document.entity as Record<string, Record<string, unknown>>)[`kaos:${data.id}`]!
    assert.deepEqual(entity['prov:type'], { $: 'kaos:data', type: 'xsd:QName' })
    assert.deepEqual(entity['kaos:bytes'], { $: '12', type: 'xsd:long' })
    assert.deepEqual(entity['kaos:share'], { $: '0.5', type: 'xsd:double' })
    assert.equal(entity['kaos:odd_name'], '[1]')
    const activity = (document.activity as Record<string, Record<string, unknown>>)[
      `kaos:${trial.id}`
    ]!
    assert.equal(activity['prov:startTime'], '2026-01-01T00:00:00.000Z')
    assert.ok(`kaos:${user.id}` in document.agent!)
  })

  it('leaves out a relation to something that is not in the answer', () => {
    const { graph, data } = sampleGraph()
    const cut = { ...graph, nodes: graph.nodes.filter(node => node.id !== data.id) }

    const document = provJson(cut, INSTALLATION)

    assert.equal(document.used, undefined)
  })
})

describe('an OpenLineage event', () => {
  it('says what an activity read and wrote, under the job that it belongs to', () => {
    const { graph, trial, job } = sampleGraph()

    const event = runEventOf(trial, graph, { installation: INSTALLATION, workspaceName: 'mnist' })

    assert.equal(event?.eventType, 'COMPLETE')
    assert.equal(event?.eventTime, '2026-01-01T00:01:00.000Z')
    assert.deepEqual(
      event?.inputs.map(one => one.name),
      ['data/features:e23a2'],
    )
    assert.deepEqual(
      event?.outputs.map(one => one.name),
      ['model/e23a2_9fd9d:b82151'],
    )
    const parent = event?.run.facets.parent as { run: { runId: string } }
    assert.equal(parent.run.runId.replaceAll('-', ''), job.id)
  })

  it('is a failure when the activity failed, and none for what is no activity', () => {
    const { graph, trial, data } = sampleGraph()
    const names = { installation: INSTALLATION, workspaceName: 'mnist' }
    const failed = { ...trial, attributes: { ...trial.attributes, state: 'JOB_FAILURE' } }

    assert.equal(runEventOf(failed, graph, names)?.eventType, 'FAIL')
    assert.equal(runEventOf(data, graph, names), undefined)
  })
})
