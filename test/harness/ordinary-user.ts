/**
 * Commands as an ordinary user of the machine, who exists only while they run: passwd, group, subuid and subgid with a
 * line for the user are bound over those of /etc in a mount namespace of the command's own. The machine stays as it is.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './busybox-image.ts';

export const userId = 4242;
/** First of 65536 ids that newuidmap and newgidmap may map for the user. */
export const firstSubId = 700_000;

export type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

const ownNetwork = [
  'ip link set lo up',
  'ip link add out0 type veth peer name far0',
  'ip addr add 198.51.100.2/24 dev out0',
  'ip link set out0 up',
  'ip link set far0 up',
  'ip route add default via 198.51.100.1',
];

export type OrdinaryUser = {
  /** A directory of the user's own. */
  readonly home: string;
  /** onggi's executables, where the user can reach them. */
  readonly dist: string;
  /** @param around words of a command that drops the privileges, to which what to execute then is added */
  readonly run: (argv: readonly string[], around?: string) => Ran;
  /** A command of the user's, to be started by whoever likes, with `env`. */
  readonly argv: (argv: readonly string[]) => readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** As `run`, in a network of its own with a default route, or none, by which nobody is reached. */
  readonly runApart: (argv: readonly string[], route?: boolean) => Ran;
};

/** @param place a scratch directory, which is opened for everybody to pass through */
export function makeUser(place: string, options: { readonly subIds: boolean } = { subIds: true }): OrdinaryUser {
  const inPlace = (name: string): string => join(place, name);
  const [home, dist, runtime, etc] = [inPlace('home'), inPlace('dist'), inPlace('run'), inPlace('etc')];
  for (const directory of [home, dist, runtime, etc]) mkdirSync(directory);
  chmodSync(place, 0o755);
  for (const directory of [home, runtime]) chownSync(directory, userId, userId);
  chmodSync(runtime, 0o700);
  // Root's are for tests that run the user's command in a namespace of root's.
  const sub = `root:0:65536\n${options.subIds ? `lodger:${firstSubId}:65536\n` : ''}`;
  const files = {
    passwd: `${readFileSync('/etc/passwd', 'utf8')}lodger:x:${userId}:${userId}::${home}:/bin/sh\n`,
    group: `${readFileSync('/etc/group', 'utf8')}lodger:x:${userId}:\n`,
    subuid: sub,
    subgid: sub,
  };
  const names = Object.keys(files);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(etc, name), text);
  const binds = names.map((name) => `touch /etc/${name} && mount --bind ${etc}/${name} /etc/${name}`);
  const drop = `setpriv --reuid ${userId} --regid ${userId} --clear-groups --`;
  const inside = (around: string): string[] => [
    `mount --bind ${repository}/dist ${dist}`,
    ...binds,
    `cd ${home}`,
    `exec ${around} ${drop} "$@"`,
  ];
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: runtime };
  const execute = (network: readonly string[], argv: readonly string[], around = ''): Ran => {
    const script = [...network, ...inside(around)].join(' && ');
    // Files: what stays behind keeps them open, so a pipe would not end.
    const [out, err] = [inPlace('out'), inPlace('err')];
    const apart = network.length > 0 ? ['--net'] : [];
    const words = [
      ...apart,
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      `exec >${out} 2>${err} </dev/null; ${script}`,
    ];
    const { status } = spawnSync('unshare', [...words, 'sh', ...argv], { env, stdio: 'ignore', timeout: 60_000 });
    return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
  };
  const argv: OrdinaryUser['argv'] = (words) => [
    'unshare',
    ...['--mount', '--propagation', 'private', 'sh', '-c', inside('').join(' && '), 'sh'],
    ...words,
  ];
  return {
    home,
    dist,
    run: (words, around) => execute([], words, around),
    runApart: (words, route = true) => execute(route ? ownNetwork : ownNetwork.slice(0, 1), words),
    argv,
    env,
  };
}
