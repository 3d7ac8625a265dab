/**
 * Class C: /proc, /sys and what masks them. The attacker has a fake procfs or moves the real one while it is being
 * covered; he wins when the container can write to the kernel, or when the runtime writes to the fake.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { removeCgroups } from '../harness/cgroup-tree.ts';
import { userId } from '../harness/ordinary-user.ts';
import { type Arena, attack, type Inmate, type Wish } from './arena.ts';
import { mountsOf, openings, orders, tryWriting } from './audit.ts';
import { race } from './race.ts';

const wait = ['sh', '-c', `${tryWriting(orders)}; echo ready; sleep 60`];

/** Rounds of a race. With its defence taken out, each race below is lost within them (`make test-weakened`). */
const rounds = 8;

/** Refused, or nothing of the kernel is open to the container. `look` sees the container before it goes. */
async function assertHarmless(
  arena: Arena,
  wish: Omit<Wish, 'args'>,
  what: string,
  look: (inmate: Inmate) => void | Promise<void> = () => {},
): Promise<'refused' | 'harmless'> {
  const begun = await arena.begin({ args: wait, ...wish });
  if ('refused' in begun) return 'refused';
  assert.deepEqual(openings(begun.pid), [], what);
  assert.doesNotMatch(await begun.printed(), /WRITABLE/, what);
  await look(begun);
  await begun.remove();
  return 'harmless';
}

async function assertRefused(arena: Arena, wish: Omit<Wish, 'args'>, what: string): Promise<void> {
  assert.equal(await assertHarmless(arena, wish, what), 'refused', what);
}

function directory(arena: Arena, name: string): string {
  const path = join(arena.scratch, name);
  mkdirSync(path);
  return path;
}

const fakeFiles = [
  'self/attr/exec',
  'self/attr/apparmor/exec',
  'self/oom_score_adj',
  'self/status',
  'thread-self/attr/exec',
  'sys/net/ipv4/ip_default_ttl',
  'sys/kernel/core_pattern',
  'sys/kernel/domainname',
];

/** What a runtime would write to, as plain files; with the parts that are covered afterwards. */
function fakeProc(path: string): string {
  for (const name of ['irq', 'bus', 'fs', 'self/fd']) mkdirSync(join(path, name), { recursive: true });
  for (const file of fakeFiles) {
    mkdirSync(join(path, file, '..'), { recursive: true });
    writeFileSync(join(path, file), '');
  }
  for (const file of ['kcore', 'keys', 'timer_list', 'interrupts', 'sysrq-trigger'])
    writeFileSync(join(path, file), '');
  return path;
}

function assertUnwritten(path: string): void {
  for (const file of fakeFiles) assert.equal(readFileSync(join(path, file), 'utf8'), '', `written to the fake ${file}`);
}

/** A kernel parameter of a container's network, by the host's procfs. */
function ttlOf({ pid }: Inmate): string {
  const file = '/proc/sys/net/ipv4/ip_default_ttl';
  return spawnSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'cat', file], { encoding: 'utf8' }).stdout.trim();
}

attack('an ordinary container opens nothing of the kernel', [], async (arena) => {
  assert.equal(await assertHarmless(arena, {}, 'as root'), 'harmless');
  assert.equal(await assertHarmless(arena, { user: '1000:1000' }, 'as a user'), 'harmless');
});

attack('CVE-2019-16884: a volume with a fake procfs is mounted over /proc or a part of it', [], async (arena) => {
  await arena.hostile((root) => {
    symlinkSync('/proc', join(root, 'detour'));
    symlinkSync('../../proc/self', join(root, 'usr/self'));
  });
  const source = fakeProc(directory(arena, 'fake'));
  const targets = ['/proc', '/proc/self', '/proc/self/attr', '/proc/sys', '/proc/sys/net', '/proc/1', '/proc/fs'];
  const detours = ['/proc/../proc/sys', '/detour/sys', '/usr/self/attr', '/sys/../proc/fs'];
  for (const target of [...targets, ...detours]) await assertRefused(arena, { volumes: [{ source, target }] }, target);
  const file = join(source, 'self/attr/exec');
  for (const target of ['/proc/self/attr/exec', '/proc/version', '/proc/keys', '/detour/self/attr/exec']) {
    await assertRefused(arena, { volumes: [{ source: file, target }] }, target);
  }
  assertUnwritten(source);
});

/*
 * The report's attack: /proc of the image is a link to a directory of a volume, which another container exchanges
 * between the mounting of procfs and the covering of its parts.
 */
attack('CVE-2019-19921: /proc leads into a volume that another container changes', [], async (arena) => {
  const shared = directory(arena, 'volume');
  for (const name of ['level1', 'level1~']) fakeProc(join(shared, name, 'level2'));
  await arena.hostile((root) => {
    rmdirSync(join(root, 'proc'));
    symlinkSync('/evil/level1/level2', join(root, 'proc'));
  });
  await race(arena, shared, ['level1', 'level1~'], rounds, async (round) => {
    await assertHarmless(arena, { volumes: [{ source: shared, target: '/evil', first: true }] }, `round ${round}`);
  });
});

/*
 * What its first fix left open: "it can be bypassed by someone having / be a volume controlled by another container"
 * (opencontainers/runc#2207). Two bundles may share a root file system; the attacker's sees it as a volume besides.
 */
attack(
  'CVE-2019-19921: the root itself is shared with another container',
  [],
  async (arena) => {
    const shared = await arena.sharedRoot();
    fakeProc(join(shared, 'evil'));
    await race(arena, shared, ['proc', 'evil'], rounds, async (round) => {
      await assertHarmless(arena, {}, `round ${round}`);
    });
  },
  'bundle',
);

/* The regression: the link was resolved before it was looked at, so no race was needed. */
attack('CVE-2023-27561: /proc or /sys of the image is a link to an ordinary directory', [], async (arena) => {
  for (const [name, target] of [
    ['proc', '/evil'],
    ['proc', '../../../evil'],
    ['proc', 'evil/.'],
    ['sys', '/evil'],
    ['sys', '/proc'],
  ] as const) {
    const source = directory(arena, `${name}-${target.replaceAll(/\W/g, '_')}`);
    await arena.hostile((root) => {
      rmdirSync(join(root, name));
      symlinkSync(target, join(root, name));
      mkdirSync(join(root, 'evil'));
    });
    await assertRefused(arena, {}, `${name} -> ${target}`);
    await assertRefused(arena, { volumes: [{ source, target: '/evil', first: true }] }, `${name} -> ${target}`);
    assert.deepEqual(readdirSync(source), []);
  }
});

/* "A specific mount configuration": what lies where the link leads is a volume, so that labels are written to files. */
attack('CVE-2023-28642: /proc is a link to a fake one in a volume', [], async (arena) => {
  await arena.hostile((root) => {
    rmdirSync(join(root, 'proc'));
    symlinkSync('tmp/proc', join(root, 'proc'));
    mkdirSync(join(root, 'tmp/proc'));
  });
  const source = fakeProc(directory(arena, 'fake'));
  const sysctl = { 'net.ipv4.ip_default_ttl': '77' };
  for (const target of ['/tmp/proc', '/tmp/proc/self/attr', '/proc', '/proc/self']) {
    for (const first of [true, false])
      await assertRefused(arena, { volumes: [{ source, target, first }], sysctl }, target);
  }
  assertUnwritten(source);
});

/* The hierarchies are mounted writable nowhere, whichever way /sys comes. */
attack('CVE-2023-25809: the cgroups of the host are written to', [], async (arena) => {
  const lines = [
    'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/escaped 2>/dev/null && echo "MADE $d"; done',
    'for f in /sys/fs/cgroup/*/* /sys/fs/cgroup/*; do [ -f $f ] && (: >> $f) 2>/dev/null && echo "WRITABLE $f"; done',
    'mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo REMOUNTED',
    'mount -t cgroup -o memory none /tmp 2>/dev/null && echo MOUNTED',
    'mount -t cgroup2 none /tmp 2>/dev/null && echo MOUNTED',
    'ls /sys/fs/cgroup | wc -l',
  ];
  const outcome = await arena.run({ args: ['sh', '-c', lines.join('\n')] });
  assert.match(outcome.stdout, /^\s*[1-9]\d*\n$/, outcome.stderr);
  await assertHarmless(arena, {}, 'cgroups');
});

/*
 * The report's own case: an ordinary user was delegated cgroups, and /sys of the host is bound. "ro" of that mount is
 * not that of the hierarchies below it, where what is the user's is root's inside.
 */
attack(
  'CVE-2023-25809: the cgroups that an ordinary user was given are written to',
  [],
  async (arena) => {
    using given = delegate(`attack-${process.pid}`, arena.kind === 'rootless' ? userId : 0);
    const lines = given.directories.flatMap((path) => [
      `[ -d ${path} ] || echo "NOT THERE ${path}"`,
      `mkdir ${path}/escaped 2>/dev/null && echo "MADE ${path}"`,
      `(echo 0 > ${path}/cgroup.procs) 2>/dev/null && echo "JOINED ${path}"`,
      `mount -o remount,bind,rw ${dirname(path)} 2>/dev/null && mkdir ${path}/escaped && echo "REMOUNTED ${path}"`,
    ]);
    const { status, stdout, stderr } = await arena.run({
      args: ['sh', '-c', `${lines.join('\n')}\ntrue`],
      hostSys: true,
    });
    assert.deepEqual([status, stdout], [0, ''], stderr);
  },
  'rootless',
  'bundle',
);

/** Cgroups of that name for somebody, one in each hierarchy that takes processes as it is. */
function delegate(name: string, owner: number): { readonly directories: readonly string[] } & Disposable {
  const roots = mountsOf(process.pid).filter(({ type }) => /^cgroup2?$/.test(type));
  const directories = roots.map(({ target }) => join(target, name)).filter((path) => !/cpuset/.test(path));
  for (const path of directories) {
    mkdirSync(path);
    for (const entry of ['', 'cgroup.procs', 'tasks'].map((file) => join(path, file)).filter(existsSync)) {
      chownSync(entry, owner, owner);
    }
  }
  return {
    directories,
    [Symbol.dispose]: () => removeCgroups(name),
  };
}

/* The device that covers files is taken from the container's /dev, which here is the attacker's volume. */
attack('CVE-2025-31133: /dev/null is not the null device', [], async (arena) => {
  const shared = directory(arena, 'dev');
  const nodes = [
    ['null', '1', '3'],
    ['zero', '1', '5'],
  ] as const;
  for (const [name, major, minor] of nodes) spawnSync('mknod', [join(shared, name), 'c', major, minor]);
  for (const target of ['/proc/sys/kernel/core_pattern', '/proc/sys', '/proc', 'zero', '/proc/self/fd/3']) {
    const source = directory(arena, `dev-${target.replaceAll(/\W/g, '_')}`);
    symlinkSync(target, join(source, 'null'));
    spawnSync('mknod', [join(source, 'zero'), 'c', '1', '5']);
    await assertHarmless(arena, { volumes: [{ source, target: '/dev' }] }, target);
  }
  symlinkSync('/proc/sys/kernel/core_pattern', join(shared, 'evil'));
  await race(arena, shared, ['null', 'evil'], rounds, async (round) => {
    await assertHarmless(arena, { volumes: [{ source: shared, target: '/dev' }] }, `round ${round}`);
  });
});

function lookAtConsole({ pid }: Inmate): void {
  const consoles = mountsOf(pid).filter(({ target }) => /^\/dev\/(?:console|pts\/\d+)$/.test(target));
  assert.deepEqual(
    consoles.filter(({ type }) => type !== 'devpts'),
    [],
  );
}

/** Of the container's own host names: should it succeed, it harms nobody (proc_sys_kernel(5)). */
const trap = '/proc/sys/kernel/domainname';

/* The terminal is bound on /dev/console before anything of /proc is covered; /dev is the attacker's volume again. */
attack('CVE-2025-52565: the terminal or the console leads into /proc', ['python3'], async (arena) => {
  assert.equal(await assertHarmless(arena, { tty: true }, 'plain', lookAtConsole), 'harmless');
  const links: readonly Readonly<Record<string, string>>[] = [
    { console: trap },
    { console: '../proc/keys' },
    { pts: '/proc/sys' },
    { ptmx: trap },
    { 'pts/0': trap, 'pts/ptmx': 'pts/0' },
    { tty: trap },
  ];
  for (const [index, entries] of links.entries()) {
    const source = directory(arena, `dev-${index}`);
    if (entries['pts'] === undefined) mkdirSync(join(source, 'pts'));
    for (const [name, target] of Object.entries(entries)) symlinkSync(target, join(source, name));
    for (const name of ['null', 'zero'])
      spawnSync('mknod', [join(source, name), 'c', '1', name === 'null' ? '3' : '5']);
    const volumes = [{ source, target: '/dev', first: true }];
    await assertHarmless(arena, { tty: true, volumes }, JSON.stringify(entries), lookAtConsole);
    await assertHarmless(
      arena,
      { tty: true, volumes: [{ source, target: '/dev/pts' }] },
      `pts ${index}`,
      lookAtConsole,
    );
  }
});

attack(
  'CVE-2025-52565: the name of the terminal, in a root that is shared',
  ['python3'],
  async (arena) => {
    const shared = await arena.sharedRoot();
    mkdirSync(join(shared, 'dev/pts'));
    mkdirSync(join(shared, 'dev/evil'));
    // Whichever of the two has which name, /dev/pts/ptmx is the multiplexer.
    symlinkSync('../evil/ptmx', join(shared, 'dev/evil/ptmx'));
    for (const number of [0, 1, 2]) symlinkSync(trap, join(shared, `dev/evil/${number}`));
    await race(arena, shared, ['dev/pts', 'dev/evil'], rounds, async (round) => {
      await assertHarmless(arena, { tty: true, bareDev: true }, `round ${round}`, lookAtConsole);
    });
  },
  'bundle',
);

/* The runtime's writes to /proc: kernel parameters here, labels of security modules where there are any. */
attack('CVE-2025-52881: writes to /proc are led to other files', ['nsenter'], async (arena) => {
  const sysctl = { 'net.ipv4.ip_default_ttl': '77' };
  const look = (inmate: Inmate): void => assert.equal(ttlOf(inmate), '77');
  assert.equal(await assertHarmless(arena, { sysctl }, 'plain', look), 'harmless');
  const source = fakeProc(directory(arena, 'fake'));
  const file = join(source, 'sys/net/ipv4/ip_default_ttl');
  for (const target of ['/proc', '/proc/sys', '/proc/sys/net/ipv4', '/proc/self/attr']) {
    await assertHarmless(arena, { sysctl, volumes: [{ source, target }] }, target, look);
  }
  const parameter = '/proc/sys/net/ipv4/ip_default_ttl';
  for (const other of [file, '/proc/self/sched', '/proc/sys/net/ipv4/tcp_fin_timeout']) {
    await assertHarmless(arena, { sysctl, volumes: [{ source: other, target: parameter }] }, other, look);
  }
  assertUnwritten(source);
});

attack(
  'CVE-2025-52881: the same in a root that is shared',
  ['nsenter'],
  async (arena) => {
    const sysctl = { 'net.ipv4.ip_default_ttl': '77' };
    const look = (inmate: Inmate): void => assert.equal(ttlOf(inmate), '77');
    const shared = await arena.sharedRoot();
    fakeProc(join(shared, 'evil'));
    await race(arena, shared, ['proc', 'evil'], rounds, async (round) => {
      await assertHarmless(arena, { sysctl }, `round ${round}`, look);
    });
    // By now it may have either name.
    const fake = ['proc', 'evil'].find((name) => existsSync(join(shared, name, 'self/attr/exec'))) ?? assert.fail();
    assertUnwritten(join(shared, fake));
  },
  'bundle',
);
