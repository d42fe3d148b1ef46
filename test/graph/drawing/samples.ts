/* The drawings of the walkthrough, for the tests beside this file. */
import type { ServeDrawing, TrainDrawing } from '../../../graph/drawing/drawing.ts'

export const COMMIT = {
  source: '1ed80bcad9a6465db67652255f904377',
  image: '9f3c9f3c9f3c9f3c9f3c9f3c9f3c9f3c',
  data: 'b07d1b07d1b07d1b07d1b07d1b07d1b0',
  hyper: '77ab77ab77ab77ab77ab77ab77ab77ab',
  model: '4e5a04e5a04e5a04e5a04e5a04e5a04e',
  serve: '51c51c51c51c51c51c51c51c51c51c51',
  service: 'a9ea9ea9ea9ea9ea9ea9ea9ea9ea9ea9',
}

export const TRAIN: TrainDrawing = {
  workspace: 'mnist',
  source: { path: '/mnist:e23a2', commit: COMMIT.source },
  image: { path: '/build-train-mnist:e23a2', commit: COMMIT.image },
  data: { path: '/features:9fd9d', commit: COMMIT.data },
  model: { path: '/b82151/model/model.json', commit: COMMIT.model, id: 'e23a2_9fd9d:b82151' },
  author: 'jfriedman',
  at: '2019-07-29T15:20:22+02:00',
}

export const GRID: TrainDrawing = {
  ...TRAIN,
  hyper: { path: '/3fbf2/degree=5_kernel=poly_gamma=0.1.json', commit: COMMIT.hyper },
}

export const UNTRAINED: ServeDrawing = {
  workspace: 'mnist',
  source: { path: '/mnist:ff06b', commit: COMMIT.serve },
  image: { path: '/build-serve-mnist:ff06b', commit: COMMIT.service },
  endpoint: 'serve-mnist-ae6466',
  url: 'localhost/serve-mnist-ae6466/invocations',
  author: 'jfriedman',
  at: '2019-07-29T13:20:22Z',
}

export const SERVE: ServeDrawing = {
  ...UNTRAINED,
  train: TRAIN,
  model: { path: 'e23a2_9fd9d:b82151', commit: COMMIT.model },
}

/** Names that try to leave their place. */
export const HOSTILE = [
  '"]; a -> b',
  'back\\slash\\',
  'line\nend',
  '<b>&amp;</b>',
  '\\N\\G',
  '--> <!--',
  ']]>',
]

/** A graph that Graphviz needs minutes for. */
export function denseDot(nodes: number): string {
  let dot = 'digraph { label="all of it"\n'
  for (let i = 0; i < nodes; i++) {
    for (let k = 1; k <= 12; k++) dot += `n${i} -> n${(i * 7 + k * k * 31 + k) % nodes};\n`
  }
  return `${dot}}`
}
