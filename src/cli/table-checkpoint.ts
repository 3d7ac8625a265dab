/** The commands on checkpoints. Nothing is loaded here. */
import type { Entry } from './table-entry.ts';

export const checkpointCommands: readonly Entry[] = [
  {
    names: ['checkpoint create'],
    summary: 'Create a checkpoint from a running container',
    group: 'other',
    load: () => import('./commands/checkpoint-create.ts'),
  },
  {
    names: ['checkpoint ls', 'checkpoint list'],
    summary: 'List checkpoints for a container',
    group: 'other',
    load: () => import('./commands/checkpoint-ls.ts'),
  },
  {
    names: ['checkpoint rm', 'checkpoint remove'],
    summary: 'Remove a checkpoint',
    group: 'other',
    load: () => import('./commands/checkpoint-rm.ts'),
  },
];
