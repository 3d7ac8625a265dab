import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portsText, shownPorts } from '../../engine/listing/ports.ts';
import type { ContainerId, ContainerSummary, ImageSummary, PortMapping } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { alignColumns } from './columns.ts';
import { containerFilter } from './container-filter.ts';
import { containerListing, containerRow } from './container-row.ts';
import { globPattern, imageFilter, parseFilter } from './filter.ts';
import { goTime, humanDuration } from './human-duration.ts';
import { humanBinarySize, humanSize } from './human-size.ts';
import { imageListing, imageRow, splitName } from './image-row.ts';
import { compileListing } from './listing.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

test('lengths of time', () => {
  const cases: [number, string][] = [
    [-5 * second, 'Less than a second'],
    [0, 'Less than a second'],
    [999, 'Less than a second'],
    [second, '1 second'],
    [59.9 * second, '59 seconds'],
    [minute, 'About a minute'],
    [119 * second, 'About a minute'],
    [2 * minute, '2 minutes'],
    [59 * minute + 59 * second, '59 minutes'],
    [hour, 'About an hour'],
    [89 * minute, 'About an hour'],
    [90 * minute, '2 hours'],
    [47 * hour, '47 hours'],
    [48 * hour, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [59 * day, '8 weeks'],
    [60 * day, '2 months'],
    [729 * day, '24 months'],
    [730 * day, '2 years'],
  ];
  for (const [milliseconds, text] of cases) assert.equal(humanDuration(milliseconds), text);
});

test('sizes', () => {
  const cases: [number, number, string][] = [
    [0, 3, '0B'],
    [106, 4, '106B'],
    [999, 3, '999B'],
    [1000, 3, '1kB'],
    [32770, 4, '32.77kB'],
    [999_999, 3, '1MB'],
    [7_049_000, 3, '7.05MB'],
    [1_982_000, 3, '1.98MB'],
    [206_400_000, 3, '206MB'],
    [3_001_000, 4, '3.001MB'],
    [12_345_678_901, 3, '12.3GB'],
  ];
  for (const [bytes, digits, text] of cases) assert.equal(humanSize(bytes, digits), text);
  assert.equal(humanBinarySize(25_190_000_000, 4), '23.46GiB');
});

test('the text of a time has the form of Go', () => {
  assert.match(goTime(0), /^19(69|70)-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \S+$/);
  if (new Date(0).getTimezoneOffset() === 0) assert.equal(goTime(1795252394000), '2026-11-21 09:13:14 +0000 UTC');
});

test('columns are at least 10 wide, 3 apart, and the last one ends with its text', () => {
  assert.equal(
    alignColumns([
      ['NAMES', 'STATUS', 'PORTS'],
      ['killed', 'Exited (0) 2 seconds ago', ''],
      ['web', 'Up 2 seconds', '0.0.0.0:8080->80/tcp'],
    ]),
    'NAMES     STATUS                     PORTS\n' +
      'killed    Exited (0) 2 seconds ago   \n' +
      'web       Up 2 seconds               0.0.0.0:8080->80/tcp\n',
  );
  assert.equal(alignColumns([]), '');
  assert.equal(
    alignColumns([
      ['…'.repeat(9), 'x'],
      ['a', 'y'],
    ]),
    `${'…'.repeat(9)}   x\na           y\n`,
  );
});

const now = Date.parse('2026-11-21T09:13:17Z');

function container(changes: Partial<ContainerSummary>): ContainerSummary {
  return {
    id: '4e6a5370ceced5f1e48b2c60b4eaa63807ed5fb1fa6f65333f2a6d40cf4570e4' as ContainerId,
    name: 'killed',
    image: 'bb',
    imageId: `sha256:${'9c'.repeat(32)}` as Digest,
    command: ['sh', '-c', 'kill -9 1; sleep 0.1'],
    created: now - 3 * second,
    status: 'exited',
    startedAt: now - 3 * second,
    health: null,
    finishedAt: now - 2 * second,
    exitCode: 0,
    ports: [],
    labels: {},
    terminal: false,
    stdin: false,
    mounts: [],
    destinations: [],
    exposed: [],
    networkMode: 'bridge',
    address: null,
    pid: null,
    ...changes,
  };
}

function port(
  hostPort: number,
  containerPort: number,
  hostIp = '0.0.0.0',
  protocol: 'tcp' | 'udp' = 'tcp',
): PortMapping {
  return { hostIp, hostPort, containerPort, protocol };
}

const ended = container({});
const running = container({
  id: '22185e930d7cba0039084c5eeecff1fa1c302f1fb8e04edf2a133612b18b0262' as ContainerId,
  name: 'web',
  command: ['sleep', '1000'],
  status: 'running',
  startedAt: now - 2 * second,
  finishedAt: null,
  exitCode: null,
  ports: [port(8080, 80)],
  exposed: ['80/tcp'],
  mounts: ['data'],
  destinations: ['/data'],
  labels: { c: 'd', a: '<b>' },
});

test('ps prints what docker ps prints', () => {
  const { print } = compileListing(containerListing, undefined);
  const rows = [ended, running].map((each) => containerRow(each, { now, truncate: true }));
  assert.equal(
    print(rows),
    'CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS                     PORTS                  NAMES\n' +
      '4e6a5370cece   bb        "sh -c \'kill -9 1; s…"   3 seconds ago   Exited (0) 2 seconds ago                          killed\n' +
      '22185e930d7c   bb        "sleep 1000"             3 seconds ago   Up 2 seconds               0.0.0.0:8080->80/tcp   web\n',
  );
  assert.equal(print([]), 'CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n');
});

test('formats of a list', () => {
  const rows = [containerRow(running, { now, truncate: true })];
  const print = (format: string) => compileListing(containerListing, format).print(rows);
  assert.equal(print('{{.Names}}\\t{{.State}} {{.Label "a"}} {{.Labels}}'), 'web\trunning <b> a=<b>,c=d\n');
  assert.equal(print('table {{.ID}} {{.Names}}'), 'CONTAINER ID NAMES\n22185e930d7c web\n');
  assert.equal(
    print('table {{upper .Names}} {{json .Image}}\\t{{.Label "com.x.my-y"}}'),
    'NAMES IMAGE   my y\nWEB "bb"      \n',
  );
  assert.equal(print('table{{.Names}}'), 'NAMES\nweb\n');
  assert.equal(print('plain'), 'plain\n');
  assert.equal(print('{{json .Labels}}'), '"a=<b>,c=d"\n');
  const record = JSON.parse(print('json')) as Record<string, unknown>;
  assert.deepEqual(Object.keys(record), Object.keys(record).sort());
  assert.equal(record['Names'], 'web');
  assert.match(print('json'), /"Labels":"a=\\u003cb\\u003e,c=d"/);
  assert.equal(print('json'), print('{{json .}}'));
  assert.equal(print(''), print('table'));
});

test('a field that a list does not have is named, with those that it has', () => {
  const { print } = compileListing(containerListing, '{{.Foo}}');
  assert.throws(
    () => print([containerRow(running, { now, truncate: true })]),
    (error) => {
      assert.ok(error instanceof OnggiError);
      assert.equal(error.message, "template parsing error: can't evaluate field Foo of container");
      assert.match(error.hint ?? '', /^There are: \.ID \.Image /);
      return true;
    },
  );
  assert.throws(() => compileListing(containerListing, 'table {{.Foo}}'), /can't evaluate field Foo/);
  assert.throws(() => compileListing({ ...containerListing, raw: undefined }, 'raw'), /format 'raw' is not supported/);
});

test('a field that there is not is told of without a row, too', () => {
  const print = (format: string) => compileListing(containerListing, format).print([]);
  for (const format of ['{{.Foo}}', '{{.Names}} {{json .Foo}}', 'table {{.Foo}}']) {
    assert.throws(() => print(format), { message: "template parsing error: can't evaluate field Foo of container" });
  }
  for (const format of ['{{.Names}}', '{{slice .Names 20}}', '{{.Label "a"}} {{json .}}', 'json', 'raw']) {
    assert.equal(print(format), '');
  }
});

test('the raw form, a line for each field and an empty one behind', () => {
  const { print } = compileListing(containerListing, 'raw');
  const row = { ...containerRow(running, { now, truncate: true }), Ports: '', Labels: 'a=b' };
  const lines = print([row]).split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(':', 1)[0]),
    ['container_id', 'image', 'command', 'created_at', 'state', 'status', 'names', 'labels', 'ports', '', ''],
  );
  assert.deepEqual([lines[7], lines[8]], ['labels: a=b', 'ports:']);
});

test('every field of a listing is in its rows', () => {
  const row = containerRow(running, { now, truncate: true });
  for (const field of Object.keys(containerListing.headings)) assert.ok(field in row, field);
  const image = imageRow(images[0]?.image as ImageSummary, undefined, undefined, { now, truncate: true });
  for (const field of Object.keys(imageListing.headings)) assert.ok(field in image, field);
});

test('the state of a container in words', () => {
  const status = (changes: Partial<ContainerSummary>) =>
    containerRow(container(changes), { now, truncate: true })['Status'];
  assert.equal(status({}), 'Exited (0) 2 seconds ago');
  assert.equal(status({ exitCode: 137, finishedAt: now - 3 * day }), 'Exited (137) 3 days ago');
  assert.equal(status({ status: 'created', startedAt: null }), 'Created');
  assert.equal(status({ status: 'running', startedAt: now - 2 * hour }), 'Up 2 hours');
  // A clock that was set back.
  assert.equal(status({ status: 'running', startedAt: now + hour }), 'Up Less than a second');
});

test('commands and images are shortened and quoted', () => {
  const row = (changes: Partial<ContainerSummary>, truncate: boolean) =>
    containerRow(container(changes), { now, truncate });
  assert.equal(row({}, false)['Command'], '"sh -c \'kill -9 1; sleep 0.1\'"');
  assert.equal(row({}, false)['ID'], ended.id);
  assert.equal(row({ command: ['printf', 'a"b\n\x1b[31m'] }, true)['Command'], '"printf a\\"b\\n\\x1b[31m"');
  assert.equal(row({ image: `sha256:${'ab'.repeat(32)}` }, true)['Image'], 'abababababab');
  assert.equal(row({ image: '' }, true)['Image'], '<no image>');
});

test('ports that keep their number are joined and come first', () => {
  const cases: [PortMapping[], string][] = [
    [[], ''],
    [[port(8080, 80)], '0.0.0.0:8080->80/tcp'],
    [[port(9002, 9002), port(9000, 9000), port(9001, 9001)], '0.0.0.0:9000-9002->9000-9002/tcp'],
    [[port(53, 53, '0.0.0.0', 'udp'), port(53, 53)], '0.0.0.0:53->53/tcp, 0.0.0.0:53->53/udp'],
    [[port(8080, 80), port(9000, 9000, '127.0.0.1', 'udp')], '127.0.0.1:9000->9000/udp, 0.0.0.0:8080->80/tcp'],
    [[port(80, 80), port(82, 82)], '0.0.0.0:80->80/tcp, 0.0.0.0:82->82/tcp'],
    [[port(80, 80, '::1')], '[::1]:80->80/tcp'],
  ];
  for (const [ports, text] of cases) assert.equal(portsText(ports), text);
  const exposed = ['80/tcp', '90/udp', '91/udp', '443/tcp'];
  assert.equal(portsText(shownPorts([port(8080, 80)], exposed)), '90-91/udp, 443/tcp, 0.0.0.0:8080->80/tcp');
  // What a former release has kept of an image.
  const none = ['80/tcp\t\x1b[31m', '81/\x015\x02', 'x/tcp', '80-90/tcp', '/tcp', '7'];
  assert.equal(portsText(shownPorts([], ['1/sctp', ...none])), '1/sctp');
});

test('filters of ps', () => {
  const all = [ended, running];
  const names = (...filters: string[]) => {
    const matches = containerFilter(filters.map(parseFilter), all);
    return all.filter(matches).map(({ name }) => name);
  };
  assert.deepEqual(names(), ['killed', 'web']);
  assert.deepEqual(names('status=running'), ['web']);
  assert.deepEqual(names('status=running', 'status=exited'), ['killed', 'web']);
  assert.deepEqual(names('status=paused'), []);
  assert.deepEqual(names('name=^/web$'), ['web']);
  assert.deepEqual(names('name=e'), ['killed', 'web']);
  assert.deepEqual(names('id=22185'), ['web']);
  assert.deepEqual(names('id='), []);
  assert.deepEqual(names('id=2185'), []);
  assert.deepEqual(names('label=a'), ['web']);
  assert.deepEqual(names('label=a=<b>', 'label=c=d'), ['web']);
  assert.deepEqual(names('label=a', 'label=c=x'), []);
  assert.deepEqual(names('label=toString'), []);
  assert.deepEqual(names('exited=0'), ['killed']);
  assert.deepEqual(names('exited=1'), []);
  assert.deepEqual(names('ancestor=bb'), ['killed', 'web']);
  assert.deepEqual(names('ancestor=bb:latest', 'name=web'), ['web']);
  assert.deepEqual(names('ancestor=9c9c9c9c'), ['killed', 'web']);
  assert.deepEqual(names('ancestor=other'), []);
  assert.deepEqual(names('publish=8080'), ['web']);
  assert.deepEqual(names('publish=8000-9000/tcp'), ['web']);
  assert.deepEqual(names('publish=8080/udp'), []);
  for (const port of ['99999', '80-79', 'x', '']) {
    assert.throws(() => names(`publish=${port}`), { message: `Invalid filter 'publish=${port}'` });
  }
  assert.deepEqual(names('network=bridge'), ['killed', 'web']);
  assert.throws(() => names('before=nosuch'), /No such container: nosuch/);
  assert.throws(() => names('foo=bar'), { message: "Invalid filter 'foo'" });
  assert.throws(() => names('status=foo'), { message: "Invalid filter 'status=foo'" });
  assert.throws(() => names('exited=x'), { message: "Invalid filter 'exited=x'" });
  assert.throws(() => names('name=('), /is not a regular expression/);
  assert.deepEqual(names('expose=80'), ['web']);
  assert.deepEqual(names('expose=80/udp'), []);
  assert.deepEqual(names('is-task=false'), ['killed', 'web']);
  assert.deepEqual(names('is-task=true'), []);
  assert.deepEqual(names('volume=/data'), ['web']);
  assert.deepEqual(names('volume=data'), ['web']);
  assert.throws(() => names('foo'), { message: 'bad format of filter (expected name=value)' });
  assert.throws(() => names('constructor=x'), { message: "Invalid filter 'constructor'" });
});

test('ancestor is what an image was made from, too', () => {
  const { imageId } = ended;
  const layers = new Map<string, readonly string[]>([
    [imageId ?? '', ['base', 'mine']],
    ['base', ['base']],
    ['other', ['mine']],
    ['later', ['base', 'mine', 'more']],
    ['scratch', []],
  ]);
  const matches = (value: string) => containerFilter([{ key: 'ancestor', value }], [ended], layers)(ended);
  assert.deepEqual(['base', 'other', 'later', 'scratch', 'nosuch'].map(matches), [true, false, false, false, false]);
});

test('before and since go by the time of creation', () => {
  const old = container({ name: 'old', id: 'aa'.repeat(32) as ContainerId, created: now - hour });
  const all = [ended, old];
  const names = (filter: string) => all.filter(containerFilter([parseFilter(filter)], all)).map(({ name }) => name);
  assert.deepEqual(names('before=killed'), ['old']);
  assert.deepEqual(names('since=aaaa'), ['killed']);
});

const images = [
  { image: imageOf('3d', ['alpine:latest', 'localhost:5000/a/alpine:3']), labels: { a: 'b' } },
  { image: imageOf('4e', []), labels: {} },
];

function imageOf(byte: string, names: string[]): ImageSummary {
  const id = `sha256:${byte.repeat(32)}` as Digest;
  return { id, names, digests: [], created: now - minute - Number.parseInt(byte, 16), size: 7_049_000, containers: 2 };
}

test('filters of images', () => {
  const ids = (...filters: string[]) => {
    return images.filter(imageFilter(filters.map(parseFilter), images, now)).map(({ image }) => image.id.slice(7, 9));
  };
  assert.deepEqual(ids('dangling=true'), ['4e']);
  assert.deepEqual(ids('dangling=false'), ['3d']);
  assert.deepEqual(ids('label=a=b'), ['3d']);
  assert.deepEqual(ids('reference=alpine'), ['3d']);
  assert.deepEqual(ids('reference=alp*'), ['3d']);
  assert.deepEqual(ids('reference=*/*/alpine:3'), ['3d']);
  assert.deepEqual(ids('reference=a/alpine'), []);
  assert.deepEqual(ids('since=4e4e'), ['3d']);
  assert.deepEqual(ids('before=alpine'), ['4e']);
  assert.throws(() => ids('foo=bar'), { message: "Invalid filter 'foo'" });
  assert.throws(() => ids('dangling=x'), /neither true nor false/);
  assert.deepEqual(ids('until=1h'), []);
  assert.deepEqual(ids('until=30s'), ['3d', '4e']);
  assert.deepEqual(ids(`until=${new Date(now - minute - 0x40).toISOString()}`), ['4e']);
  assert.throws(() => ids('until=soon'), /failed to parse value as time or duration: "soon"/);
});

test('shell patterns', () => {
  const cases: [string, string, boolean][] = [
    ['a*', 'abc', true],
    ['a*', 'a/c', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[ab]c', 'bc', true],
    ['[^ab]c', 'bc', false],
    ['a.c', 'abc', false],
    ['a\\*', 'a*', true],
    ['a+(', 'a+(', true],
    ['[', '[', true],
  ];
  for (const [glob, text, matches] of cases) assert.equal(globPattern(glob).test(text), matches, `${glob} ${text}`);
});

test('names of images in two columns', () => {
  assert.deepEqual(splitName('alpine:latest'), { repository: 'alpine', tag: 'latest' });
  assert.deepEqual(splitName('localhost:5000/a:v1'), { repository: 'localhost:5000/a', tag: 'v1' });
  assert.deepEqual(splitName('localhost:5000/a@sha256:ab'), { repository: 'localhost:5000/a', tag: '<none>' });
});

test('images prints what docker images prints', () => {
  const rows = images.flatMap(({ image }) => {
    const names = image.names.length === 0 ? [undefined] : image.names.map(splitName);
    return names.map((name) => imageRow(image, name, undefined, { now, truncate: true }));
  });
  assert.equal(
    compileListing(imageListing, undefined).print(rows),
    'REPOSITORY                TAG       IMAGE ID       CREATED              SIZE\n' +
      'alpine                    latest    3d3d3d3d3d3d   About a minute ago   7.05MB\n' +
      'localhost:5000/a/alpine   3         3d3d3d3d3d3d   About a minute ago   7.05MB\n' +
      '<none>                    <none>    4e4e4e4e4e4e   About a minute ago   7.05MB\n',
  );
});
