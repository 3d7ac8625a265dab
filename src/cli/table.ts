/** The one list of commands: help, dispatch, completion and documentation derive from it. Nothing is loaded here. */
import { checkpointCommands } from './table-checkpoint.ts';
import { containerCommands } from './table-container.ts';
import type { Entry } from './table-entry.ts';
import { imageCommands } from './table-image.ts';
import { secretCommands } from './table-secret.ts';
import { systemCommands } from './table-system.ts';

export type { Entry } from './table-entry.ts';

export const commands: readonly Entry[] = [
  {
    names: ['container run', 'run'],
    summary: 'Create a container from an image and start it',
    group: 'common',
    load: () => import('./commands/run.ts'),
  },
  {
    names: ['container exec', 'exec'],
    summary: 'Run a command in a running container',
    group: 'common',
    load: () => import('./commands/exec.ts'),
  },
  {
    names: ['container ls', 'container list', 'container ps', 'ps'],
    summary: 'List containers',
    group: 'common',
    load: () => import('./commands/ps.ts'),
  },
  {
    names: ['image pull', 'pull'],
    summary: 'Fetch an image from a registry',
    group: 'common',
    compiled: true,
    mapped: true,
    load: () => import('./commands/pull.ts'),
  },
  {
    names: ['image push', 'push'],
    summary: 'Send an image to its registry',
    group: 'common',
    load: () => import('./commands/push.ts'),
  },
  {
    names: ['image ls', 'image list', 'images'],
    summary: 'List images',
    group: 'common',
    load: () => import('./commands/images.ts'),
  },
  {
    names: ['container why', 'why'],
    summary: 'Say what ended a container',
    group: 'common',
    load: () => import('./commands/why.ts'),
  },
  {
    names: ['version'],
    summary: 'Show the version of onggi and what it runs on',
    group: 'common',
    load: () => import('./commands/version.ts'),
  },
  {
    names: ['system info', 'info'],
    summary: 'Show facts about the store and the machine',
    group: 'common',
    load: () => import('./commands/info.ts'),
  },
  ...containerCommands,
  ...imageCommands,
  ...checkpointCommands,
  ...secretCommands,
  ...systemCommands,
];

/** Words that group commands by what they act on. */
export const managers: Readonly<Record<string, string>> = {
  checkpoint: 'Manage checkpoints',
  container: 'Manage containers',
  healthcheck: 'Check the health of containers',
  image: 'Manage images',
  manifest: 'Manage manifests and manifest lists',
  registry: 'Be a registry for other engines',
  secret: 'Manage secrets',
  system: 'Manage onggi',
  volume: 'Manage volumes',
};

/** Commands of Docker that onggi knows but doesn't have yet. */
export const missingCommands: readonly string[] = [
  'build',
  'builder',
  'buildx',
  'compose',
  'config',
  'context',
  'cp',
  'network',
  'node',
  'plugin',
  'service',
  'stack',
  'swarm',
  'trust',
];

export type Found =
  | { readonly type: 'command'; readonly entry: Entry; readonly name: string; readonly rest: readonly string[] }
  | { readonly type: 'manager'; readonly name: string; readonly rest: readonly string[] }
  | { readonly type: 'missing'; readonly name: string }
  | { readonly type: 'unknown'; readonly name: string };

/** What the words of a command line name; flags may follow a manager but not stand inside a name. */
export function findCommand(words: readonly string[]): Found {
  const [first = '', second] = words;
  const manages = Object.hasOwn(managers, first);
  if (manages && (second === undefined || second.startsWith('-'))) {
    return { type: 'manager', name: first, rest: words.slice(1) };
  }
  const name = manages ? `${first} ${second}` : first;
  const entry = commands.find(({ names }) => names.includes(name));
  if (entry !== undefined) return { type: 'command', entry, name, rest: words.slice(manages ? 2 : 1) };
  const missing = missingCommands.includes(manages ? (second ?? '') : first);
  return { type: missing ? 'missing' : 'unknown', name };
}

/** The name that documentation uses. */
export function mainName(entry: Entry): string {
  return entry.names.at(-1) ?? entry.names[0];
}
