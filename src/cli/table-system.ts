/** The commands on the store, on volumes and on onggi itself. Nothing is loaded here. */
import type { Entry } from './table-entry.ts';

export const systemCommands: readonly Entry[] = [
  {
    names: ['system check'],
    summary: 'Verify everything in the store, and mend it',
    group: 'other',
    mapped: true,
    load: () => import('./commands/system-check.ts'),
  },
  {
    names: ['system df'],
    summary: 'Show what takes room on the disk',
    group: 'other',
    mapped: true,
    load: () => import('./commands/system-df.ts'),
  },
  {
    names: ['system prune'],
    summary: 'Remove all that nothing needs any more',
    group: 'other',
    mapped: true,
    load: () => import('./commands/system-prune.ts'),
  },
  {
    names: ['system events', 'events'],
    summary: 'Show what happens to containers, images, volumes and networks',
    group: 'other',
    load: () => import('./commands/events.ts'),
  },
  {
    names: ['completion'],
    summary: 'Print a completion script for a shell',
    group: 'other',
    load: () => import('./commands/completion.ts'),
  },
  {
    names: ['inspect'],
    summary: 'Show everything about containers and images',
    group: 'other',
    load: () => import('./commands/inspect.ts'),
  },
  {
    names: ['unshare'],
    summary: 'Run a command among the ids of your containers',
    group: 'other',
    load: () => import('./commands/unshare.ts'),
  },
  {
    names: ['system boot'],
    summary: 'Start the containers that are to run after the machine has started',
    group: 'other',
    load: () => import('./commands/system-boot.ts'),
  },
  {
    names: ['volume create'],
    summary: 'Create a volume',
    group: 'other',
    load: () => import('./commands/volume-create.ts'),
  },
  {
    names: ['volume exists'],
    summary: 'Tell by the exit status whether a volume is there',
    group: 'other',
    load: () => import('./commands/volume-exists.ts'),
  },
  {
    names: ['volume inspect'],
    summary: 'Show everything about volumes',
    group: 'other',
    load: () => import('./commands/volume-inspect.ts'),
  },
  {
    names: ['volume ls', 'volume list'],
    summary: 'List volumes',
    group: 'other',
    load: () => import('./commands/volume-ls.ts'),
  },
  {
    names: ['volume prune'],
    summary: 'Remove volumes that no container has',
    group: 'other',
    load: () => import('./commands/volume-prune.ts'),
  },
  {
    names: ['volume rm', 'volume remove'],
    summary: 'Remove volumes',
    group: 'other',
    load: () => import('./commands/volume-rm.ts'),
  },
  {
    names: ['copy-helper'],
    summary: 'Do one side of a copy in the user namespace of a container',
    group: 'internal',
    load: () => import('./commands/copy-helper.ts'),
  },
  {
    names: ['log-relay'],
    summary: 'Send a log to a server with TLS',
    group: 'internal',
    load: () => import('./commands/log-relay.ts'),
  },
  {
    names: ['mapped-helper'],
    summary: 'Make files of other ids of an ordinary user',
    group: 'internal',
    load: () => import('./commands/mapped-helper.ts'),
  },
  {
    names: ['reconcile'],
    summary: 'Record the end of a container and take away what it left',
    group: 'internal',
    load: () => import('./commands/reconcile.ts'),
  },
];
