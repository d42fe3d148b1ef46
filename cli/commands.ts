/* Every command, in the order in which help shows them: the original's first. Only the one that is
 * asked for is loaded, so that `kaos --help` is there at once. */
import { command, type Entry } from './command-entry.ts'

export type { Entry }

/** What the first words of some commands have in common. */
export const groups: Readonly<Record<string, string>> = {
  build: 'set kaos up on this machine, and choose among the endpoints that are known here',
  template: 'ready-made sources to start from',
  workspace: 'shared places for one kind of model each',
  train: 'train models and look at what came out',
  serve: 'run models as services',
  data: 'data sets in their versions',
  model: 'models in their versions',
  provenance: 'what everything came from, and what came of it',
  quarantine: 'content that nothing may be trained, served or tagged from',
  ledger: 'the log of everything, and whether it can be believed',
  queue: 'the work that waits, and who is next',
  admin: 'users and tokens of a shared endpoint',
  'admin:user': 'users of a shared endpoint',
  'admin:token': 'tokens of a shared endpoint',
  'admin:worker': 'hosts that run the jobs',
  'admin:quota': 'bytes that a workspace may take',
  'admin:keys': 'keys that sign the log, and those of workers',
  'admin:ledger': 'work on the ledger: move, rebuild, erase by law',
}

export const commands: Readonly<Record<string, Entry>> = {
  'build:deploy': command(
    'set kaos up with its production parts, by docker compose',
    () => import('./commands/build/deploy.ts'),
  ),
  'build:list': command(
    'list the contexts known to this directory',
    () => import('./commands/build/list.ts'),
  ),
  'build:set': command(
    'select the context that commands go to',
    () => import('./commands/build/set.ts'),
  ),
  'build:active': command('show the active context', () => import('./commands/build/active.ts')),
  destroy: command(
    'take down what kaos build deploy set up',
    () => import('./commands/destroy.ts'),
  ),
  init: command('connect this directory to an endpoint', () => import('./commands/init.ts')),
  'template:list': command('list the templates', () => import('./commands/template/list.ts')),
  'template:get': command(
    'copy a template to ./templates/<name>',
    () => import('./commands/template/get.ts'),
  ),
  'workspace:list': command('list the workspaces', () => import('./commands/workspace/list.ts')),
  'workspace:create': command(
    'create a workspace and make it the current one',
    () => import('./commands/workspace/create.ts'),
  ),
  'workspace:set': command(
    'select the current workspace',
    () => import('./commands/workspace/set.ts'),
  ),
  'workspace:current': command(
    'show the current workspace',
    () => import('./commands/workspace/current.ts'),
  ),
  'workspace:info': command(
    'show what the current workspace holds',
    () => import('./commands/workspace/info.ts'),
  ),
  'workspace:kill': command(
    'end the current workspace and all that runs in it',
    () => import('./commands/workspace/kill.ts'),
  ),
  'train:deploy': command(
    'train on a source bundle, a data bundle and hyperparameters',
    () => import('./commands/train/deploy.ts'),
  ),
  'train:list': command('list the training jobs', () => import('./commands/train/list.ts')),
  'train:info': command(
    'show inputs, models and metrics of a job',
    () => import('./commands/train/info.ts'),
  ),
  'train:watch': command(
    'watch log, metrics and measurements of a job while it runs',
    () => import('./commands/train/watch.ts'),
  ),
  'train:get': command(
    'download code, data and models of a job',
    () => import('./commands/train/get.ts'),
  ),
  'train:provenance': command(
    'draw what a model was made of',
    () => import('./commands/train/provenance.ts'),
  ),
  'train:leaderboard': command(
    'show the best models of all trainings',
    () => import('./commands/train/leaderboard.ts'),
  ),
  'train:retry': command(
    'run the trials of a job that did not succeed again',
    () => import('./commands/train/retry.ts'),
  ),
  'train:checkout': command(
    'write down all that it takes to run a training again',
    () => import('./commands/train/checkout.ts'),
  ),
  'train:reproduce': command(
    'run a model again and say whether it comes out the same',
    () => import('./commands/train/reproduce.ts'),
  ),
  'train:tree': command(
    'show which training came from which',
    () => import('./commands/train/tree.ts'),
  ),
  'train:logs': command(
    'show the log of a training or building job',
    () => import('./commands/train/logs.ts'),
  ),
  'train:build-logs': command(
    'show the log of a building job (the same as train logs)',
    () => import('./commands/train/build-logs.ts'),
  ),
  'train:kill': command(
    'stop a job; its record and its log stay',
    () => import('./commands/train/kill.ts'),
  ),
  'serve:deploy': command('run a model as a service', () => import('./commands/serve/deploy.ts')),
  'serve:list': command('list the endpoints', () => import('./commands/serve/list.ts')),
  'serve:get': command(
    'download the source of an endpoint as it was deployed',
    () => import('./commands/serve/get.ts'),
  ),
  'serve:provenance': command(
    'draw what an endpoint was made of',
    () => import('./commands/serve/provenance.ts'),
  ),
  'serve:logs': command('show what a service wrote', () => import('./commands/serve/logs.ts')),
  'serve:build-logs': command(
    'show the log of the build of an endpoint',
    () => import('./commands/serve/build-logs.ts'),
  ),
  'serve:kill': command(
    'remove an endpoint; its record and its log stay',
    () => import('./commands/serve/kill.ts'),
  ),
  'data:push': command(
    'send a folder as the next version of a data set',
    () => import('./commands/data/push.ts'),
  ),
  'data:list': command('list the data sets', () => import('./commands/data/list.ts')),
  'data:log': command(
    'show the versions of a data set, or the moves of a tag',
    () => import('./commands/data/log.ts'),
  ),
  'data:diff': command(
    'show which files differ between two data sets',
    () => import('./commands/data/diff.ts'),
  ),
  'data:get': command(
    'fetch a data set, or some of its files',
    () => import('./commands/data/get.ts'),
  ),
  'data:tag': command('move tags to a data set', () => import('./commands/data/tag.ts')),
  'data:untag': command('take a tag away', () => import('./commands/data/untag.ts')),
  'data:remove': command(
    'take a version out of the catalogue',
    () => import('./commands/data/remove.ts'),
  ),
  'data:inspect': command(
    'show all that is known of a data set',
    () => import('./commands/data/inspect.ts'),
  ),
  'data:describe': command(
    'say what a data set is: title, description, licence',
    () => import('./commands/data/describe.ts'),
  ),
  'model:push': command(
    'send a folder as the next version of a model',
    () => import('./commands/model/push.ts'),
  ),
  'model:list': command(
    'list the models, those that were trained here included',
    () => import('./commands/model/list.ts'),
  ),
  'model:log': command(
    'show the versions of a model, or the moves of a tag',
    () => import('./commands/model/log.ts'),
  ),
  'model:diff': command(
    'show which files differ between two models',
    () => import('./commands/model/diff.ts'),
  ),
  'model:get': command(
    'fetch a model, its code or its data',
    () => import('./commands/model/get.ts'),
  ),
  'model:tag': command('move tags to a model', () => import('./commands/model/tag.ts')),
  'model:untag': command('take a tag away', () => import('./commands/model/untag.ts')),
  'model:remove': command(
    'take a version out of the catalogue',
    () => import('./commands/model/remove.ts'),
  ),
  'model:score': command(
    'explain how reproducible a model is, and what would better it',
    () => import('./commands/model/score.ts'),
  ),
  'model:inspect': command(
    'show all that is known of a model',
    () => import('./commands/model/inspect.ts'),
  ),
  'model:describe': command(
    'say what a model is: title, description, licence',
    () => import('./commands/model/describe.ts'),
  ),
  up: command('start a server, with a worker, in this terminal', () => import('./commands/up.ts')),
  worker: command(
    'run the jobs of a server on another host, in this terminal',
    () => import('./commands/worker.ts'),
  ),
  'provenance:show': command(
    'show what something came from, or what came from it',
    () => import('./commands/provenance/show.ts'),
  ),
  'provenance:impact': command(
    'show the jobs, models, tags and endpoints that came from something',
    () => import('./commands/provenance/impact.ts'),
  ),
  'provenance:why': command(
    'show why two models differ',
    () => import('./commands/provenance/why.ts'),
  ),
  'provenance:search': command(
    'find models, data and jobs by metrics, author, time or text',
    () => import('./commands/provenance/search.ts'),
  ),
  'provenance:export': command(
    'write the workspace as OpenLineage events or PROV-JSON',
    () => import('./commands/provenance/export.ts'),
  ),
  quarantine: command(
    'let nothing be trained, served or tagged from something',
    () => import('./commands/quarantine/quarantine.ts'),
  ),
  'quarantine:lift': command(
    'take something out of quarantine',
    () => import('./commands/quarantine/lift.ts'),
  ),
  'quarantine:list': command(
    'list what is quarantined',
    () => import('./commands/quarantine/list.ts'),
  ),
  verify: command('check who vouches for a model', () => import('./commands/verify.ts')),
  evidence: command(
    'pack all that proves a model into one file',
    () => import('./commands/evidence.ts'),
  ),
  'ledger:verify': command(
    'check that the server still shows the history that was seen before',
    () => import('./commands/ledger/verify.ts'),
  ),
  'ledger:checkpoint': command(
    'print the signed size and root of the log',
    () => import('./commands/ledger/checkpoint.ts'),
  ),
  'ledger:forget': command(
    'believe anew whatever history the server shows',
    () => import('./commands/ledger/forget.ts'),
  ),
  'admin:ledger:rebuild': command(
    'build the graph anew from the log',
    () => import('./commands/admin/ledger/rebuild.ts'),
  ),
  'admin:ledger:erase': command(
    'erase what a statement says, by law; the proof stays',
    () => import('./commands/admin/ledger/erase.ts'),
  ),
  'admin:ledger:erasures': command(
    'list statements that were erased',
    () => import('./commands/admin/ledger/erasures.ts'),
  ),
  'admin:ledger:migrate': command(
    'move the ledger to Neo4j, or to a SQLite file',
    () => import('./commands/admin/ledger/migrate.ts'),
  ),
  'admin:keys:list': command(
    'list the signing keys',
    () => import('./commands/admin/keys/list.ts'),
  ),
  'admin:keys:rotate': command(
    'make a new signing key',
    () => import('./commands/admin/keys/rotate.ts'),
  ),
  'admin:keys:revoke': command(
    'believe the key of a worker no longer',
    () => import('./commands/admin/keys/revoke.ts'),
  ),
  'admin:audit': command(
    'show who changed what, and who was denied what',
    () => import('./commands/admin/audit.ts'),
  ),
  'admin:user:add': command('add a user', () => import('./commands/admin/user/add.ts')),
  'admin:user:list': command('list the users', () => import('./commands/admin/user/list.ts')),
  'admin:user:remove': command(
    'remove a user: the name and all tokens go, what was done stays recorded',
    () => import('./commands/admin/user/remove.ts'),
  ),
  'admin:token:create': command(
    'make a token for a user; it is shown this once',
    () => import('./commands/admin/token/create.ts'),
  ),
  'admin:token:list': command(
    'list the tokens, without the tokens themselves',
    () => import('./commands/admin/token/list.ts'),
  ),
  'admin:token:revoke': command(
    'revoke a token at once',
    () => import('./commands/admin/token/revoke.ts'),
  ),
  'admin:worker:token': command(
    'make the token of a worker; it is shown this once',
    () => import('./commands/admin/worker/token.ts'),
  ),
  'admin:worker:list': command(
    'list the workers: what they have, what they run',
    () => import('./commands/admin/worker/list.ts'),
  ),
  'admin:worker:drain': command(
    'give a worker nothing new; what it runs goes on',
    () => import('./commands/admin/worker/drain.ts'),
  ),
  'admin:worker:resume': command(
    'give a drained worker work again',
    () => import('./commands/admin/worker/resume.ts'),
  ),
  'admin:worker:retire': command(
    'take the token of a worker away, and what it runs',
    () => import('./commands/admin/worker/retire.ts'),
  ),
  'admin:gc': command(
    'collect stored content that nothing needs any more',
    () => import('./commands/admin/gc.ts'),
  ),
  'admin:backup': command(
    'copy the whole installation into a folder, while everything runs',
    () => import('./commands/admin/backup.ts'),
  ),
  'admin:restore': command(
    'put a backup into an empty installation',
    () => import('./commands/admin/restore.ts'),
  ),
  'admin:fsck': command(
    'read every stored byte and say what is damaged',
    () => import('./commands/admin/fsck.ts'),
  ),
  'admin:purge': command(
    'drop content for ever, also what jobs used; the facts stay',
    () => import('./commands/admin/purge.ts'),
  ),
  'admin:stats': command(
    'show what the store holds and what sharing saves',
    () => import('./commands/admin/stats.ts'),
  ),
  'admin:quota:set': command(
    'say how many bytes a workspace may take',
    () => import('./commands/admin/quota/set.ts'),
  ),
  'admin:quota:list': command('list the quotas', () => import('./commands/admin/quota/list.ts')),
  'admin:quota:remove': command(
    'let a workspace take what it needs',
    () => import('./commands/admin/quota/remove.ts'),
  ),
  'queue:list': command(
    'what runs, what is next, and what waits for what',
    () => import('./commands/queue/list.ts'),
  ),
  'queue:pause': command(
    'begin no more builds and trainings',
    () => import('./commands/queue/pause.ts'),
  ),
  'queue:resume': command('end a pause', () => import('./commands/queue/resume.ts')),
  'queue:move': command(
    'put a job before or behind the others',
    () => import('./commands/queue/move.ts'),
  ),
  'queue:limit': command(
    'say how many trials a workspace may run at once',
    () => import('./commands/queue/limit.ts'),
  ),
  doctor: command(
    'say what is wrong with the server or this machine, and how to mend it',
    () => import('./commands/doctor.ts'),
  ),
  config: command('show each setting and where it came from', () => import('./commands/config.ts')),
}
