import type { KitOrder, LayerOrder } from './kit.ts'

/** A project as a team would pack it. */
export const PARTS = {
  model: {
    kind: 'model',
    name: 'legalchat',
    path: 'weights/model.bin',
    description: 'the model',
    files: { '': 'weights 1\n' },
  },
  vocabulary: {
    kind: 'modelpart',
    name: 'vocabulary',
    path: 'weights/vocabulary.txt',
    files: { '': 'vocabulary' },
  },
  code: {
    kind: 'code',
    path: 'train',
    description: 'how it is trained',
    files: { Dockerfile: 'FROM scratch\n', 'model/train': '#!/bin/sh\ntrue\n' },
  },
  customers: {
    kind: 'dataset',
    name: 'customers',
    path: 'data',
    files: { 'customers.csv': 'name,number\nJo,1\n' },
  },
  samples: {
    kind: 'dataset',
    name: 'samples',
    path: 'safe',
    description: 'made up',
    files: { 'samples.csv': 'name,number\nX,1\n' },
  },
  readme: { kind: 'docs', path: 'README.md', files: { '': '# Legal chat\n' } },
} as const satisfies Record<string, LayerOrder>

export const LEGALCHAT: KitOrder = {
  package: {
    name: 'legalchat',
    version: '1.0.0',
    description: 'Answers legal questions',
    license: 'Apache-2.0',
  },
  layers: Object.values(PARTS),
}

/** What kit 1.7.0 calls it. */
export const LEGALCHAT_DIGEST =
  'sha256:14415fc8529982b5e561e3106574ae4e17fbd08697120807b8190ccb0997930d'
