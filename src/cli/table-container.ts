/** The commands on containers that are not common. Nothing is loaded here. */
import type { Entry } from './table-entry.ts';

export const containerCommands: readonly Entry[] = [
  {
    names: ['container attach', 'attach'],
    summary: 'Attach the terminal to a running container',
    group: 'other',
    load: () => import('./commands/attach.ts'),
  },
  {
    names: ['container commit', 'commit'],
    summary: 'Make an image of a container',
    group: 'other',
    mapped: true,
    load: () => import('./commands/commit.ts'),
  },
  {
    names: ['container cp', 'cp'],
    summary: 'Copy files/folders between a container and the local filesystem',
    group: 'other',
    load: () => import('./commands/cp.ts'),
  },
  {
    names: ['container create', 'create'],
    summary: 'Create a container without starting it',
    group: 'other',
    load: () => import('./commands/create.ts'),
  },
  {
    names: ['container diff', 'diff'],
    summary: 'Show what has changed in the file system of a container',
    group: 'other',
    mapped: true,
    load: () => import('./commands/diff.ts'),
  },
  {
    names: ['container export', 'export'],
    summary: 'Write the file system of a container as a tar archive',
    group: 'other',
    mapped: true,
    load: () => import('./commands/export.ts'),
  },
  {
    names: ['container inspect'],
    summary: 'Show everything about containers',
    group: 'other',
    load: () => import('./commands/container-inspect.ts'),
  },
  {
    names: ['container kill', 'kill'],
    summary: 'Send a signal to running containers',
    group: 'other',
    load: () => import('./commands/kill.ts'),
  },
  {
    names: ['container logs', 'logs'],
    summary: 'Show what a container has written',
    group: 'other',
    load: () => import('./commands/logs.ts'),
  },
  {
    names: ['container pause', 'pause'],
    summary: 'Freeze the processes of containers',
    group: 'other',
    load: () => import('./commands/pause.ts'),
  },
  {
    names: ['container port', 'port'],
    summary: 'List where the ports of a container are published',
    group: 'other',
    load: () => import('./commands/port.ts'),
  },
  {
    names: ['container prune'],
    summary: 'Remove all containers that do not run',
    group: 'other',
    load: () => import('./commands/container-prune.ts'),
  },
  {
    names: ['container rename', 'rename'],
    summary: 'Give a container another name',
    group: 'other',
    load: () => import('./commands/rename.ts'),
  },
  {
    names: ['container restart', 'restart'],
    summary: 'Stop containers and start them again',
    group: 'other',
    load: () => import('./commands/restart.ts'),
  },
  {
    names: ['container rm', 'container remove', 'rm'],
    summary: 'Remove containers',
    group: 'other',
    load: () => import('./commands/rm.ts'),
  },
  {
    names: ['container start', 'start'],
    summary: 'Start containers that do not run',
    group: 'other',
    load: () => import('./commands/start.ts'),
  },
  {
    names: ['container stop', 'stop'],
    summary: 'Stop running containers',
    group: 'other',
    load: () => import('./commands/stop.ts'),
  },
  {
    names: ['container unpause', 'unpause'],
    summary: 'Let the processes of paused containers go on',
    group: 'other',
    load: () => import('./commands/unpause.ts'),
  },
  {
    names: ['container update', 'update'],
    summary: 'Change the limits of containers',
    group: 'other',
    load: () => import('./commands/update.ts'),
  },
  {
    names: ['container wait', 'wait'],
    summary: 'Wait for containers to end and print their exit statuses',
    group: 'other',
    load: () => import('./commands/wait.ts'),
  },
];
