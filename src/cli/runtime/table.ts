/** The commands of `onggi-runtime`, with the words of runc's help. A command is loaded when it is called. */
import type { RuntimeCommand } from './definition.ts';

export type RuntimeEntry = {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: RuntimeCommand }>;
};

export const runtimeCommands: readonly RuntimeEntry[] = [
  { name: 'checkpoint', summary: 'checkpoint a running container', load: () => import('./commands/checkpoint.ts') },
  { name: 'create', summary: 'create a container', load: () => import('./commands/create.ts') },
  {
    name: 'delete',
    summary: 'delete any resources held by the container, often used with a detached container',
    load: () => import('./commands/delete.ts'),
  },
  {
    name: 'events',
    summary: 'display container events such as OOM notifications, cpu, memory, and IO usage statistics',
    load: () => import('./commands/events.ts'),
  },
  { name: 'exec', summary: 'execute a new process inside the container', load: () => import('./commands/exec.ts') },
  { name: 'features', summary: 'show the enabled features', load: () => import('./commands/features.ts') },
  {
    name: 'kill',
    summary: "send the specified signal (default: SIGTERM) to the container's init process",
    load: () => import('./commands/kill.ts'),
  },
  { name: 'list', summary: 'list the containers below the given root', load: () => import('./commands/list.ts') },
  {
    name: 'pause',
    summary: 'suspend all processes inside the container',
    load: () => import('./commands/pause.ts'),
  },
  { name: 'ps', summary: 'display the processes running inside a container', load: () => import('./commands/ps.ts') },
  {
    name: 'restore',
    summary: 'restore a container from a previous checkpoint',
    load: () => import('./commands/restore.ts'),
  },
  {
    name: 'resume',
    summary: 'resume all processes that have been previously paused',
    load: () => import('./commands/resume.ts'),
  },
  { name: 'run', summary: 'create and run a container', load: () => import('./commands/run.ts') },
  { name: 'spec', summary: 'create a new specification file', load: () => import('./commands/spec.ts') },
  {
    name: 'start',
    summary: 'execute the user defined process in a created container',
    load: () => import('./commands/start.ts'),
  },
  { name: 'state', summary: 'output the state of a container', load: () => import('./commands/state.ts') },
  { name: 'update', summary: 'update container resource constraints', load: () => import('./commands/update.ts') },
];
