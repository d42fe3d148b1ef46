/* Every command, in the order in which help shows them: the original's first. Only the one that is
 * asked for is loaded, so that `kaos --help` is there at once; to oclif an entry looks like a class. */
import type { Command, Interfaces } from '@oclif/core'

export interface Entry {
  readonly summary: string
  load(): Promise<Command.Class>
  run(argv: string[], options: Interfaces.LoadOptions): Promise<unknown>
}

function command(summary: string, module: () => Promise<{ default: Command.Class }>): Entry {
  const load = async () => {
    const loaded = (await module()).default
    loaded.summary = summary
    return loaded
  }
  return { summary, load, run: async (argv, options) => (await load()).run(argv, options) }
}

/** What the first words of some commands have in common. */
export const groups: Readonly<Record<string, string>> = {
  build: 'choose among the endpoints that this directory knows',
  template: 'ready-made sources to start from',
  workspace: 'shared places for one kind of model each',
  train: 'train models and look at what came out',
  serve: 'run models as services',
  admin: 'users and tokens of a shared endpoint',
  'admin:user': 'users of a shared endpoint',
  'admin:token': 'tokens of a shared endpoint',
}

export const commands: Readonly<Record<string, Entry>> = {
  'build:list': command(
    'list the contexts known to this directory',
    () => import('./commands/build/list.ts'),
  ),
  'build:set': command(
    'select the context that commands go to',
    () => import('./commands/build/set.ts'),
  ),
  'build:active': command('show the active context', () => import('./commands/build/active.ts')),
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
  'train:get': command(
    'download code, data and models of a job',
    () => import('./commands/train/get.ts'),
  ),
  'train:provenance': command(
    'draw what a model was made of',
    () => import('./commands/train/provenance.ts'),
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
  up: command('start a server, with a worker, in this terminal', () => import('./commands/up.ts')),
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
  config: command('show each setting and where it came from', () => import('./commands/config.ts')),
}
