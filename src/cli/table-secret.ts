/** The commands on secrets. Nothing is loaded here. */
import type { Entry } from './table-entry.ts';

export const secretCommands: readonly Entry[] = [
  {
    names: ['secret create'],
    summary: 'Keep a secret',
    group: 'other',
    load: () => import('./commands/secret-create.ts'),
  },
  {
    names: ['secret exists'],
    summary: 'Tell by the exit status whether a secret is there',
    group: 'other',
    load: () => import('./commands/secret-exists.ts'),
  },
  {
    names: ['secret inspect'],
    summary: 'Show everything about secrets but what they say',
    group: 'other',
    load: () => import('./commands/secret-inspect.ts'),
  },
  {
    names: ['secret ls', 'secret list'],
    summary: 'List secrets',
    group: 'other',
    load: () => import('./commands/secret-ls.ts'),
  },
  {
    names: ['secret rm', 'secret remove'],
    summary: 'Remove secrets',
    group: 'other',
    load: () => import('./commands/secret-rm.ts'),
  },
];
