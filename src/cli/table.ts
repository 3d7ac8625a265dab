/** The one list of commands: help, dispatch, completion and documentation derive from it. Nothing is loaded here. */
import type { Command } from './definition.ts';

export type Entry = {
  /** Every way to say it; the last one is the short form if there is one: "container ls", "ps". */
  readonly names: readonly [string, ...string[]];
  readonly summary: string;
  /** Where help lists it; internal commands are not listed. */
  readonly group: 'common' | 'other' | 'internal';
  /** It makes or removes files of images: an ordinary user does that in a user namespace. */
  readonly mapped?: true | ((words: readonly string[]) => boolean);
  readonly load: () => Promise<{ readonly command: Command }>;
};

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
    names: ['completion'],
    summary: 'Print a completion script for a shell',
    group: 'other',
    load: () => import('./commands/completion.ts'),
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
    names: ['image history', 'history'],
    summary: 'Show how an image came about',
    group: 'other',
    load: () => import('./commands/history.ts'),
  },
  {
    names: ['image import', 'import'],
    summary: 'Make an image of a root file system in a tar archive',
    group: 'other',
    mapped: true,
    load: () => import('./commands/import.ts'),
  },
  {
    names: ['image copy'],
    summary: 'Copy an image between registries, layouts, archives and the store',
    group: 'other',
    mapped: (words) => words.some((word) => word.startsWith('onggi:')),
    load: () => import('./commands/image-copy.ts'),
  },
  {
    names: ['image save', 'save'],
    summary: 'Write images into an archive',
    group: 'other',
    load: () => import('./commands/save.ts'),
  },
  {
    names: ['image load', 'load'],
    summary: 'Bring the images of an archive into the store',
    group: 'other',
    mapped: true,
    load: () => import('./commands/load.ts'),
  },
  {
    names: ['manifest annotate'],
    summary: 'Say for which platform an image of a manifest list is',
    group: 'other',
    load: () => import('./commands/manifest-annotate.ts'),
  },
  {
    names: ['manifest create'],
    summary: 'Make a manifest list of images in registries',
    group: 'other',
    load: () => import('./commands/manifest-create.ts'),
  },
  {
    names: ['manifest inspect'],
    summary: 'Show a manifest list, or a manifest in a registry',
    group: 'other',
    load: () => import('./commands/manifest-inspect.ts'),
  },
  {
    names: ['manifest push'],
    summary: 'Push a manifest list to its repository',
    group: 'other',
    load: () => import('./commands/manifest-push.ts'),
  },
  {
    names: ['manifest rm'],
    summary: 'Remove manifest lists that are kept here',
    group: 'other',
    load: () => import('./commands/manifest-rm.ts'),
  },
  {
    names: ['inspect'],
    summary: 'Show everything about containers and images',
    group: 'other',
    load: () => import('./commands/inspect.ts'),
  },
  {
    names: ['container inspect'],
    summary: 'Show everything about containers',
    group: 'other',
    load: () => import('./commands/container-inspect.ts'),
  },
  {
    names: ['image inspect'],
    summary: 'Show everything about images',
    group: 'other',
    load: () => import('./commands/image-inspect.ts'),
  },
  {
    names: ['image prune'],
    summary: 'Remove images that nothing needs',
    group: 'other',
    mapped: true,
    load: () => import('./commands/image-prune.ts'),
  },
  {
    names: ['login'],
    summary: 'Log in to a registry',
    group: 'other',
    load: () => import('./commands/login.ts'),
  },
  {
    names: ['logout'],
    summary: 'Log out of a registry',
    group: 'other',
    load: () => import('./commands/logout.ts'),
  },
  {
    names: ['search'],
    summary: 'Search for repositories by a word',
    group: 'other',
    load: () => import('./commands/search.ts'),
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
    names: ['container port', 'port'],
    summary: 'List where the ports of a container are published',
    group: 'other',
    load: () => import('./commands/port.ts'),
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
    names: ['image rm', 'image remove', 'rmi'],
    summary: 'Remove images',
    group: 'other',
    mapped: true,
    load: () => import('./commands/rmi.ts'),
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
    names: ['image tag', 'tag'],
    summary: 'Give an image a further name',
    group: 'other',
    load: () => import('./commands/tag.ts'),
  },
  {
    names: ['unshare'],
    summary: 'Run a command among the ids of your containers',
    group: 'other',
    load: () => import('./commands/unshare.ts'),
  },
  {
    names: ['container wait', 'wait'],
    summary: 'Wait for containers to end and print their exit statuses',
    group: 'other',
    load: () => import('./commands/wait.ts'),
  },
  {
    names: ['image key'],
    summary: 'Make a pair of keys to sign images with',
    group: 'other',
    load: () => import('./commands/image-key.ts'),
  },
  {
    names: ['image sign'],
    summary: 'Sign an image in its registry',
    group: 'other',
    load: () => import('./commands/image-sign.ts'),
  },
  {
    names: ['image verify'],
    summary: 'Check who has signed an image in its registry',
    group: 'other',
    load: () => import('./commands/image-verify.ts'),
  },
  {
    names: ['registry serve'],
    summary: 'Be a registry from which any engine can pull, and to which it can push',
    group: 'other',
    load: () => import('./commands/registry-serve.ts'),
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
    names: ['reconcile'],
    summary: 'Record the end of a container and take away what it left',
    group: 'internal',
    load: () => import('./commands/reconcile.ts'),
  },
];

/** Words that group commands by what they act on. */
export const managers: Readonly<Record<string, string>> = {
  container: 'Manage containers',
  image: 'Manage images',
  manifest: 'Manage manifests and manifest lists',
  registry: 'Be a registry for other engines',
  system: 'Manage onggi',
  volume: 'Manage volumes',
};

/** Commands of Docker that onggi knows but doesn't have yet. */
export const missingCommands: readonly string[] = [
  'build',
  'builder',
  'buildx',
  'checkpoint',
  'compose',
  'config',
  'context',
  'cp',
  'events',
  'load',
  'login',
  'logout',
  'network',
  'node',
  'pause',
  'plugin',
  'prune',
  'save',
  'search',
  'secret',
  'service',
  'stack',
  'stats',
  'swarm',
  'top',
  'trust',
  'unpause',
  'update',
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
