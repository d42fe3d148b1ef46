/* What `kaos data …` and `kaos model …` have in common: the same verbs over the same catalogue, each
 * for its kind of thing. */
import type { EntityView } from '../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../base.ts'
import { path } from '../client.ts'

export type Noun = 'data' | 'model'

export abstract class CatalogueCommand extends KaosCommand {
  protected abstract readonly noun: Noun

  /** `data set`, `model` */
  protected get what(): string {
    return this.noun === 'data' ? 'data set' : 'model'
  }

  /** Kinds of thing that a reference may name. A ModelKit holds both. */
  protected get kinds(): string {
    return `${this.noun},artifact`
  }

  protected find({ client, base }: WorkspaceSession, reference: string): Promise<EntityView> {
    return client.get<EntityView>(`${base}/entities`, { reference, kind: this.kinds })
  }

  protected kaos(words: string): string {
    return `kaos ${this.noun} ${words}`
  }
}

export function repositoryPath(base: string, repository: string): string {
  return `${base}${path`/repositories/${repository}`}`
}
