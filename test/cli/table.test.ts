import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointView, JobRow, JobView } from '../../api/wire.ts'
import { infoText } from '../../cli/job-info.ts'
import { indexed, serveTables, trainTables } from '../../cli/listings.ts'
import { tableBlock, tableLines } from '../../cli/table.ts'
import { inputsTable, pointsTable } from '../../cli/training.ts'

/* The tables of the original's walkthrough, letter by letter. */
const TRAINING = `
+------------------------------------------------------------------------------------------------------------+
|                                                  TRAINING                                                  |
+-----+----------+----------+----------------------------------+-------------------------------+-------------+
| ind | duration | hyperopt |              job_id              |            started            |    state    |
+-----+----------+----------+----------------------------------+-------------------------------+-------------+
|  0  |    71    |  False   | 1ed80bcad9a6465db67652255f904377 | Mon, 29 Jul 2019 12:38:39 GMT | JOB_SUCCESS |
+-----+----------+----------+----------------------------------+-------------------------------+-------------+
`
const INPUTS = `
+------------+-----------------+-------------+
|   Image    |       Data      | Hyperparams |
+------------+-----------------+-------------+
|     ⨂      |        ✔        |      ✗      |
| <building> | /features:9fd9d |             |
+------------+-----------------+-------------+
`
const INFO = `
    Job ID: 1ed80bcad9a6465db67652255f904377
    Process time: 67s
    State: JOB_SUCCESS
    Available metrics: ['accuracy_train', 'metrics_test']

    Page count: 1
    Page ID: 0
+-----+--------------------+-----------------------+--------------------+-------------+
| ind |        Code        |          Data         |      Model ID      | Hyperparams |
+-----+--------------------+-----------------------+--------------------+-------------+
|  0  | Author: jfriedman  |   Author: jfriedman   | e23a2_9fd9d:b82151 |     None    |
|     | Path: /mnist:e23a2 | Path: /features:9fd9d |                    |             |
+-----+--------------------+-----------------------+--------------------+-------------+

`
const RUNNING = `
+------------------------------------------------------------------------------------------------------------------------------------+
|                                                              RUNNING                                                               |
+-----+-------------------------------+--------------------+------------------+------------------------------------------+-----------+
| ind |           created_at          |        name        |      state       |                   url                    |    user   |
+-----+-------------------------------+--------------------+------------------+------------------------------------------+-----------+
|  0  | Mon, 29 Jul 2019 13:20:22 GMT | serve-mnist-ae6466 | PIPELINE_RUNNING | localhost/serve-mnist-ae6466/invocations | jfriedman |
+-----+-------------------------------+--------------------+------------------+------------------------------------------+-----------+
`
const JOB = '1ed80bcad9a6465db67652255f904377'

function job(changes: Partial<JobRow> = {}): JobRow {
  return {
    jobId: JOB,
    kind: 'train',
    state: 'JOB_SUCCESS',
    started: '2019-07-29T12:38:39Z',
    finished: '2019-07-29T12:39:50Z',
    duration: 71,
    hyperopt: false,
    author: 'jfriedman',
    reason: null,
    ...changes,
  }
}

function headers(text: string): string[] {
  const row = text.split('\n').find(line => /\bstate\b/.test(line)) ?? ''
  return row.split('|').flatMap(cell => cell.trim() || [])
}

describe('tables look as in the original', () => {
  it('draws the TRAINING table of the walkthrough', () => {
    const started = 'Mon, 29 Jul 2019 12:38:39 GMT'
    const row = { duration: 71, hyperopt: false, job_id: JOB, started, state: 'JOB_SUCCESS' }

    const block = tableBlock(indexed('TRAINING', Object.keys(row), [row]))

    assert.equal(block, TRAINING)
  })

  it('draws the RUNNING table of the walkthrough', () => {
    const row = {
      created_at: 'Mon, 29 Jul 2019 13:20:22 GMT',
      name: 'serve-mnist-ae6466',
      state: 'PIPELINE_RUNNING',
      url: 'localhost/serve-mnist-ae6466/invocations',
      user: 'jfriedman',
    }

    const block = tableBlock(indexed('RUNNING', Object.keys(row), [row]))

    assert.equal(block, RUNNING)
  })

  it('draws the training inputs of the walkthrough', () => {
    const table = inputsTable({
      image: { state: 'building', value: 'build-train-mnist:e23a2' },
      data: { state: 'set', value: '/features:9fd9d' },
      hyperparams: { state: 'missing' },
      parallelism: 1,
      resources: {},
    })

    assert.equal(`\n${tableLines(table).join('\n')}\n`, INPUTS)
  })

  it('lays train info out as in the walkthrough', () => {
    const part = { author: 'jfriedman', entity: 'e', digest: null }
    const view: JobView = {
      job: job(),
      processSeconds: 67.2,
      availableMetrics: ['accuracy_train', 'metrics_test'],
      pageCount: 1,
      pageId: 0,
      models: [
        {
          modelId: 'e23a2_9fd9d:b82151',
          entity: 'm',
          trial: 't',
          state: 'JOB_SUCCESS',
          reason: null,
          code: { ...part, path: '/mnist:e23a2' },
          data: { ...part, path: '/features:9fd9d' },
          hyperparams: null,
          metrics: {},
          score: 0.51239,
          warnings: [],
        },
      ],
      resources: {},
      attempts: 1,
      environment: null,
      build: null,
    }

    assert.equal(infoText(view, undefined), INFO)
    assert.match(infoText(view, 'accuracy_train'), /\| +Score +\|\n[^\n]*\n[^\n]*\| +0\.5124 +\|/)
  })

  it('has one row per trial, the parameters in their order', () => {
    const lines = tableLines(
      pointsTable([
        { degree: 5, kernel: 'poly' },
        { degree: 6, kernel: 'rbf' },
      ]),
    )

    assert.deepEqual(
      lines.filter(line => line.startsWith('|')),
      ['| ind | degree | kernel |', '|  0  |   5    |  poly  |', '|  1  |   6    |  rbf   |'],
    )
  })

  it('stays a grid whatever a cell holds', () => {
    const rows = [
      ['数据\u001b[31m\nb', '✔'],
      ['', null],
    ]

    const lines = tableLines({ columns: ['a', 'b'], rows })

    assert.ok(lines.every(line => !line.includes('\u001b')))
    assert.equal(lines.at(0), lines.at(-1))
    assert.match(lines.join('\n'), /None/)
  })
})

describe('listings have the blocks and columns of the original', () => {
  it('keeps the job id as 4th and the state as 6th column of TRAINING', () => {
    const [table] = trainTables({ ingesting: [], building: [], training: [job()] })

    const text = tableBlock(table!)

    assert.deepEqual(headers(text), ['ind', 'duration', 'hyperopt', 'job_id', 'started', 'state'])
    assert.match(text, /\|\s+2019-07-\d\d \d\d:\d\d:39\s+\|/)
  })

  it('shows a question mark for what a running job does not know yet', () => {
    const running = job({ state: 'JOB_RUNNING', duration: null, hyperopt: null })

    const [table] = trainTables({ ingesting: [], building: [], training: [running] })

    assert.deepEqual(table!.rows[0]!.slice(0, 4), [0, '?', '?', JOB])
  })

  it('shows of the builds only the newest, while it runs or when it failed', () => {
    const old = job({ kind: 'build-train', state: 'JOB_FAILURE', started: '2019-07-28T00:00:00Z' })
    const building = (state: JobRow['state']) =>
      trainTables({
        ingesting: [],
        building: [old, job({ kind: 'build-train', state })],
        training: [],
      })

    assert.equal(building('JOB_RUNNING')[0]?.title, 'BUILDING')
    assert.deepEqual(building('JOB_RUNNING')[0]?.rows.length, 1)
    assert.deepEqual(building('JOB_FAILURE')[0]?.columns, [
      'duration',
      'job_id',
      'started',
      'state',
    ])
    assert.deepEqual(building('JOB_SUCCESS'), [])
  })

  it('shows the three lines of progress of an ingestion', () => {
    const progress = { done: 3, failed: 1, total: 12 }
    const ingesting = [job({ kind: 'ingest', state: 'JOB_RUNNING', progress })]

    const [table] = trainTables({ ingesting, building: [], training: [] })

    assert.deepEqual(table!.columns, ['duration', 'job_id', 'progress', 'started', 'state'])
    assert.equal(table!.rows[0]![2], '3/12 (25%)\nfailed: 1\nskipped: 0')
  })

  it('keeps name and state as 3rd and 4th column of RUNNING', () => {
    const endpoint: EndpointView = {
      name: 'serve-mnist-ae6466',
      state: 'PIPELINE_RUNNING',
      reason: null,
      url: 'localhost/serve-mnist-ae6466/invocations',
      user: 'jfriedman',
      createdAt: '2019-07-29T13:20:22Z',
      code: '/mnist:ff06b',
      image: 'build-serve-mnist:ff06b',
      modelId: null,
      buildJob: JOB,
      revision: 'r',
    }
    const build = job({ kind: 'build-serve', state: 'JOB_RUNNING', duration: null })

    const [building, running] = serveTables({ building: [build], running: [endpoint] })

    assert.deepEqual(headers(tableBlock(running!)).slice(2, 4), ['name', 'state'])
    const cells = tableBlock(building!).split('\n')[6]?.split('|')
    assert.deepEqual(
      cells?.slice(1, 3).map(cell => cell.trim()),
      ['?', 'None'],
    )
  })
})

describe('a table on a terminal', () => {
  const table = {
    title: 'models',
    columns: ['ind', 'Code', 'Model ID', 'Hyperparams'],
    rows: [
      [
        0,
        'Author: root\nPath: /mnist:e23a2',
        'e23a2_9fd9d_3fbf2:b82151',
        `/${'a=1_'.repeat(40)}.json`,
      ],
    ],
  }

  it('is no wider than that, and loses nothing', () => {
    for (const columns of [70, 90, 150]) {
      const lines = tableLines(table, columns)
      assert.ok(
        lines.every(line => line.length <= columns),
        lines.join('\n'),
      )
      const cells = lines.flatMap(line =>
        line
          .split('|')
          .slice(4, 5)
          .map(cell => cell.trim()),
      )
      assert.equal(cells.join('').replace('Hyperparams', ''), `/${'a=1_'.repeat(40)}.json`)
    }
  })

  it('stays as it is where it fits, and elsewhere than on a terminal', () => {
    assert.deepEqual(tableLines(table, 1000), tableLines(table))
  })
})
