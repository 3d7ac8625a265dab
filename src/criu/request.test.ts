import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage, type Fields } from './message.ts';
import { type DumpOptions, parsePageServer } from './options.ts';
import { dumpRequest, isDone, restoreRequest } from './request.ts';

const options: DumpOptions = {
  images: '/i',
  work: '/w',
  tcpEstablished: false,
  externalUnixSockets: false,
  shellJob: false,
  fileLocks: false,
  cgroups: 'soft',
  emptyNetwork: false,
  autoDedup: false,
  lazyPages: false,
  leaveRunning: false,
  preDump: false,
  parent: null,
  pageServer: null,
  statusFd: null,
};
const none = { mounts: [], network: null };
const directories = { images: 5, work: 6 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** criu_req of a type, with these of criu_opts. */
function request(type: number, opts: Fields): string {
  return hex(
    encodeMessage([
      [1, type],
      [2, opts],
    ]),
  );
}

/** The numbers are those of criu's images/rpc.proto. */
const dumped: Fields = [
  [1, 5],
  [17, 6],
  [2, 7],
  [13, '/r'],
  [10, 'dump.log'],
  [9, 4],
];

test("a dump names the tree, the directories and what is the host's", () => {
  const external = { mounts: [{ target: '/data', source: '/srv/data' }], network: 4026531840n };
  assert.equal(
    hex(dumpRequest(7, '/r', external, options, directories)),
    request(1, [...dumped, [34, 3], [50, true], [37, 'mnt[/data]:/data'], [37, 'net[4026531840]:extRootNetNS']]),
  );
});

test('each flag of a dump has its field', () => {
  const all: DumpOptions = {
    ...options,
    ...{ tcpEstablished: true, externalUnixSockets: true, shellJob: true, fileLocks: true, emptyNetwork: true },
    ...{ autoDedup: true, lazyPages: true, leaveRunning: true, parent: '../pre', statusFd: 3 },
    ...{ cgroups: 'strict', pageServer: { address: '::1', port: 9 } },
  };
  const flags: Fields = [
    [50, true],
    [5, true],
    [4, true],
    [7, true],
    [8, true],
    [38, 0x4000_0000],
    [16, true],
    [48, true],
  ];
  const server: Fields[number] = [
    11,
    [
      [1, '::1'],
      [2, 9],
    ],
  ];
  assert.equal(
    hex(dumpRequest(7, '/r', none, all, directories)),
    request(1, [...dumped, [34, 5], ...flags, [3, true], [15, true], [14, '../pre'], server, [49, 3]]),
  );
  const pre = dumpRequest(7, '/r', none, { ...options, preDump: true, leaveRunning: true }, directories);
  assert.equal(hex(pre), request(13, [...dumped, [34, 3], [50, true], [15, true]]));
});

test('a restore gets the pipes of its stdio, the binds of this config and the network namespace', () => {
  const place = {
    rootfs: '/r',
    directories,
    descriptors: ['/dev/null', 'pipe:[5]', 'pipe:[6]'],
    networkFd: 3,
    cgroupRoots: [
      { controller: 'cpu', path: '/x' },
      { controller: null, path: '/y' },
    ],
  };
  const external = { mounts: [{ target: '/data', source: '/new' }], network: null };
  const pair = (first: string, second: string | number): Fields => [
    [1, first],
    [2, second],
  ];
  assert.equal(
    hex(restoreRequest(place, external, { ...options, lsmProfile: 'apparmor:x', lsmMountContext: null })),
    request(2, [
      [1, 5],
      [17, 6],
      [26, true],
      [12, true],
      [13, '/r'],
      [10, 'restore.log'],
      [9, 4],
      [34, 3],
      [50, true],
      [25, pair('cpu', '/x')],
      [25, [[2, '/y']]],
      [53, 'apparmor:x'],
      [37, 'mnt[/data]:/new'],
      [27, pair('pipe:[5]', 1)],
      [27, pair('pipe:[6]', 2)],
      [27, pair('extRootNetNS', 3)],
    ]),
  );
});

test('only a response that says so is one of success', () => {
  const response = (success: boolean): Uint8Array =>
    encodeMessage([
      [1, 1],
      [2, success],
    ]);
  assert.deepEqual([response(true), response(false), new Uint8Array(), Uint8Array.of(0xff)].map(isDone), [
    true,
    false,
    false,
    false,
  ]);
});

test('page servers: host and port, IPv6 in brackets', () => {
  assert.deepEqual(parsePageServer('10.0.0.1:27'), { address: '10.0.0.1', port: 27 });
  assert.deepEqual(parsePageServer('[::1]:65535'), { address: '::1', port: 65_535 });
  for (const bad of ['a', 'a:0', 'a:65536', '::1:5', ':5', 'a:b']) {
    assert.throws(() => parsePageServer(bad), /not ADDRESS:PORT/, bad);
  }
});
