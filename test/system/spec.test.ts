/** What an ordinary container sees of itself: Docker's defaults as makeSpec writes them, compiled and run. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeSpec, type SpecFacts } from '../../src/engine/spec/spec.ts';
import type { ContainerOptions } from '../../src/engine/types.ts';
import { allCapabilities } from '../../src/runtime/capability.ts';
import { maskedPaths, readonlyPaths } from '../../src/runtime/defaults.ts';
import { architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { cgroupsPath, runSpec } from './spec-container.ts';

/** Runs a shell script in a container with these options; returns its lines. */
async function lines(script: string, options: Partial<ContainerOptions> = {}): Promise<string[]> {
  await using scratch = makeScratch();
  const file = (name: string): string => {
    const path = join(scratch.path, name);
    writeFileSync(path, `${name}\n`);
    return path;
  };
  const facts: SpecFacts = {
    maps: undefined,
    joined: new Map(),
    ordinaryUser: false,
    devicesAt: () => [],
    isThere: () => false,
    withCdi: (spec) => spec,
    images: ({ source }) => `/images/${source}`,
    volumes: (name) => ({ path: `/volumes/${name}/_data`, options: {} }),
    id: 'abcdef0123456789'.repeat(4),
    cgroupsPath,
    hostname: 'machine',
    files: { hostname: file('hostname'), hosts: file('hosts'), resolv: file('resolv') },
    capabilities: allCapabilities.filter((name) => name !== 'CAP_SYS_RESOURCE'),
    architecture: architectureOf(process.arch),
    kernel: [6, 1],
    cpus: 2,
    swap: false,
    legacyMemory: true,
    systemdCgroup: null,
    maskedPaths: ['/etc/secret', '/etc/secrets'],
    devices: () => [],
    warn: () => {},
  };
  const {
    process: asked,
    linux,
    ...spec
  } = makeSpec({ image: 'x', command: ['sh', '-c', `exec 2>&1; ${script}`], ...options }, null, facts);
  assert.ok(asked !== undefined && linux !== undefined);
  const told = await runSpec({ args: [], process: asked, linux, spec });
  assert.equal(told.exit.signal, 0, told.stderr);
  return told.stdout.split('\n').slice(0, -1);
}

const needs = requires('root');

test('identity: host name, environment, files of /etc', needs, async () => {
  const script = 'hostname; env | sort; cat /etc/hostname /etc/hosts /etc/resolv.conf; pwd; id -u';
  assert.deepEqual(await lines(script, { env: ['A=b'], workingDir: '/tmp' }), [
    'abcdef012345',
    ...['A=b', 'HOME=/root', 'HOSTNAME=abcdef012345'],
    ...['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'PWD=/tmp', 'SHLVL=1'],
    ...['hostname', 'hosts', 'resolv', '/tmp', '0'],
  ]);
});

test('masked paths are empty, read-only ones can not be written, nor can sysfs', needs, async () => {
  const hidden = maskedPaths.map(
    (path) => `if [ -d ${path} ]; then ls -A ${path}; elif [ -e ${path} ]; then cat ${path}; fi`,
  );
  assert.deepEqual(await lines(hidden.join('; ')), []);
  const fixed = [...readonlyPaths, '/sys', '/sys/fs/cgroup'].map(
    (path) => `[ ! -e ${path} ] || grep -qE " ${path} [a-z0-9]+ ro," /proc/self/mounts || echo ${path}`,
  );
  assert.deepEqual(await lines(fixed.join('; ')), []);
  assert.match((await lines('echo 1 >/proc/sys/kernel/panic')).join(), /Read-only file system/);
});

test('/dev holds what Docker puts there and nothing else', needs, async () => {
  assert.deepEqual(
    await lines(
      'ls /dev; cd /dev; for link in fd stdin stdout stderr core ptmx; do readlink $link; done; df -k /dev/shm | tail -n 1 | awk "{print \\$2}"',
    ),
    [
      ...[
        'core',
        'fd',
        'full',
        'mqueue',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'tty',
        'urandom',
        'zero',
      ],
      ...['/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2', '/proc/kcore', 'pts/ptmx', '65536'],
    ],
  );
});

test('a read-only root leaves tmpfs writable', needs, async () => {
  const options: Partial<ContainerOptions> = {
    readOnly: true,
    mounts: [{ type: 'tmpfs', target: '/tmp', options: 'size=64k' }],
  };
  const [refused, ...rest] = await lines('touch /x; touch /tmp/x /dev/shm/x && echo written', options);
  assert.match(refused ?? '', /Read-only file system/);
  assert.deepEqual(rest, ['written']);
});

test('capabilities, filter and limits as the kernel has them', needs, async () => {
  const fields = 'grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/self/status | tr -d "\\t"';
  const capabilities = ['CapInh:0000000000000000', 'CapPrm:00000000a80425fb', 'CapEff:00000000a80425fb'];
  assert.deepEqual(await lines(fields), [
    ...capabilities,
    ...['CapBnd:00000000a80425fb', 'CapAmb:0000000000000000', 'NoNewPrivs:0', 'Seccomp:2'],
  ]);
  const other = await lines(fields, { user: 'app' });
  assert.deepEqual(other.slice(0, 3), [
    'CapInh:0000000000000000',
    'CapPrm:0000000000000000',
    'CapEff:0000000000000000',
  ]);
  assert.deepEqual(await lines('ulimit -n; ulimit -Hn', { ulimits: [{ name: 'nofile', soft: 100n, hard: 200n }] }), [
    '100',
    '200',
  ]);
});

test('privileged: every capability that there is, no filter, nothing hidden', needs, async () => {
  const script = 'grep -E "^(CapEff|Seccomp):" /proc/self/status | tr -d "\\t"; grep -c " ro," /proc/self/mounts';
  assert.deepEqual(await lines(script, { privileged: true }), ['CapEff:000001fffeffffff', 'Seccomp:0', '0']);
});
