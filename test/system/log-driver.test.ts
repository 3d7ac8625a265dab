/** `--log-driver` and `--log-opt`: what arrives at real receivers, what `logs` reads back, what a dead server does. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bindNotifySocket } from '../../src/kernel/notify-socket.ts';
import { makeCertificates } from '../harness/certificate.ts';
import { eventually, start } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { inspect, linesOf } from './container-view.ts';
import { gelfMessages, streamReceiver, udpReceiver, unpackAll } from './log-receiver.ts';

const flagsOf = (driver: string, options: Readonly<Record<string, string>>) => [
  '--log-driver',
  driver,
  ...Object.entries(options).flatMap(([name, value]) => ['--log-opt', `${name}=${value}`]),
];

/** Runs a shell line to its end, under a driver; the name is that of the driver. */
async function write(world: World, driver: string, options: Record<string, string>, line: string): Promise<string> {
  const flags = [
    '--network',
    'none',
    '--name',
    driver,
    '-l',
    'kind=web',
    '-e',
    'MODE=x y',
    ...flagsOf(driver, options),
  ];
  const id = await world.ok(['run', '-d', ...flags, world.image, 'sh', '-c', line]);
  assert.equal(await world.ok(['wait', id]), '0');
  return id;
}

const both = 'echo out; echo err >&2; printf part';

systemTest('files of three formats, read back alike', ['busybox'], async (world) => {
  for (const [driver, options, pattern] of [
    [
      'json-file',
      { labels: 'kind', env: 'MODE', tag: '{{.Name}}/{{.ID}}' },
      /"attrs":\{"MODE":"x y","kind":"web","tag":"json-file\/[0-9a-f]{12}"\},"time"/,
    ],
    ['k8s-file', {}, /^\S+\+00:00 stdout F out$/m],
    ['local', {}, /\0\0\0.\n\x06stdout\x10.*\x1a\x03out/s],
  ] as const) {
    const id = await write(world, driver, options, both);
    const { LogPath, HostConfig } = await inspect(world, id);
    assert.match(readFileSync(LogPath, 'latin1'), pattern, driver);
    assert.deepEqual(HostConfig['LogConfig'], { Type: driver, Config: options });
    const { stdout, stderr } = await world.onggi(['logs', id]);
    assert.deepEqual([stdout, stderr], ['out\npart', 'err\n'], driver);
    // Two pipes: whichever came last.
    const last = await world.onggi(['logs', '--tail', '1', id]);
    assert.match(`${last.stdout}|${last.stderr}`, /^(part\||\|err\n)$/);
    assert.match(await world.ok(['logs', '-t', id]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out\n\S+Z part$/);
  }
});

systemTest('rotated files are compressed, and read all the same', ['busybox'], async (world) => {
  const line = 'i=0; while [ $i -lt 300 ]; do echo "$i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"; i=$((i+1)); done';
  for (const driver of ['json-file', 'local', 'k8s-file']) {
    const id = await write(world, driver, { 'max-size': '4k', 'max-file': '4', compress: 'true' }, line);
    const directory = dirname((await inspect(world, id)).LogPath);
    const names = () =>
      readdirSync(directory)
        .filter((name) => name.startsWith('log'))
        .sort();
    await eventually('all is compressed', () => names().join(' ') === 'log log.1.gz log.2.gz log.3.gz');
    assert.ok(gunzipSync(readFileSync(join(directory, 'log.1.gz'))).length >= 4096, driver);
    const kept = linesOf(await world.ok(['logs', id]));
    const expected = Array.from({ length: 300 }, (_, n) => `${n} ${'x'.repeat(32)}`);
    assert.ok(kept.length > 60 && kept.length < 300, `${kept.length}`);
    assert.deepEqual(kept, expected.slice(-kept.length));
    assert.deepEqual(linesOf(await world.ok(['logs', '--tail', '70', id])), kept.slice(-70));
  }
});

systemTest('syslog: three formats, three transports', ['busybox'], async (world) => {
  {
    await using server = await udpReceiver();
    const options = { 'syslog-address': `udp://127.0.0.1:${server.port}`, 'syslog-format': 'rfc5424micro', tag: 'a b' };
    await write(world, 'syslog', { ...options, 'syslog-facility': 'local3' }, both);
    await server.until(({ length }) => length === 3);
    const [out = '', err = '', part = ''] = server.received
      .map(String)
      .sort((a, b) => (/out/.test(a) ? -1 : /part/.test(b) ? -1 : 1));
    const rest = String.raw`1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ${hostname()} a_b \d+ a_b -`;
    assert.match(out, new RegExp(`^<158>${rest} out\n$`));
    assert.match(err, new RegExp(`^<155>${rest} err\n$`));
    assert.match(part, new RegExp(`^<158>${rest} part\n$`));
    const { status, stderr } = await world.onggi(['logs', 'syslog']);
    assert.deepEqual([status, stderr.split('\n')[0]], [1, 'onggi: configured logging driver does not support reading']);
    await world.ok(['rm', 'syslog']);
  }
  await using server = await streamReceiver();
  const id = await write(
    world,
    'syslog',
    { 'syslog-address': `tcp://127.0.0.1:${server.port}`, 'syslog-format': 'rfc3164' },
    'echo one; echo two',
  );
  await server.until((received) => /two\n/.test(String(Buffer.concat(received))));
  const head = String.raw`<30>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ${hostname()} ${id.slice(0, 12)}\[\d+\]: `;
  assert.match(String(Buffer.concat(server.received)), new RegExp(`^${head}one\n${head}two\n$`));
  await world.ok(['rm', 'syslog']);
  const path = join(world.scratch, 'log.sock');
  using local = bindNotifySocket(path);
  await write(world, 'syslog', { 'syslog-address': `unixgram://${path}` }, 'echo here');
  assert.match(local.receive(10_000) ?? '', /^<30>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [0-9a-f]{12}\[\d+\]: here\n$/);
});

systemTest(
  'syslog with TLS: who the server is, who the client is, a server that hangs up',
  ['busybox', 'openssl'],
  async (world) => {
    const { authority, server: own, client: other } = await makeCertificates(world.scratch);
    const [ca, cert, key] = [authority, own.certificate, own.key].map((path) => readFileSync(path, 'utf8'));
    const shown = { cert, key, ca, requestCert: true, rejectUnauthorized: true };
    await using server = await streamReceiver(0, shown);
    const address = { 'syslog-address': `tcp+tls://localhost:${server.port}` };
    const client = { 'syslog-tls-cert': other.certificate, 'syslog-tls-key': other.key };
    const known = { ...address, ...client, 'syslog-tls-ca-cert': authority };
    const all = (): string => String(Buffer.concat(server.received));
    const loop = 'i=0; while [ ! -e /end ]; do i=$((i+1)); echo line $i; sleep 0.1; done; echo last';
    await world.ok([
      'run',
      '-d',
      '--network',
      'none',
      '--name',
      'syslog',
      ...flagsOf('syslog', { ...known, 'syslog-format': 'rfc5424' }),
      world.image,
      'sh',
      '-c',
      loop,
    ]);
    await server.until(() => /^\d+ <30>1 .* - line 1\n/.test(all()));
    server.hangUp();
    await server.until((received) => received.length > 1 && /line/.test(String(received.at(-1))));
    await world.ok(['exec', 'syslog', 'touch', '/end']);
    assert.equal(await world.ok(['wait', 'syslog']), '0');
    await server.until(() => /- last\n$/.test(all()));
    // Each message says how long it is (RFC 5425).
    for (let rest = String(server.received.at(-1)); rest !== ''; ) {
      const [head, length] = /^(\d+) /.exec(rest) ?? [];
      assert.match(rest.slice(head?.length, (head?.length ?? 0) + Number(length)), /^<30>1 [^\n]*\n$/);
      rest = rest.slice((head?.length ?? 0) + Number(length));
    }
    for (const [options, message] of [
      [
        { ...address, ...client },
        /failed to initialize logging driver: syslog: connect to "localhost:\d+": .*certificate/,
      ],
      [{ ...known, 'syslog-address': `tcp+tls://127.0.0.2:${server.port}` }, /127.0.0.2/],
      [{ ...known, 'syslog-tls-key': '/nowhere.key' }, /read "\/nowhere.key"/],
      [{ ...address, 'syslog-tls-key': other.key }, /one is of no use without the other/],
    ] as const) {
      const refused = await world.onggi([
        'run',
        '--rm',
        '--network',
        'none',
        ...flagsOf('syslog', options),
        world.image,
        'true',
      ]);
      assert.equal(refused.status, 125);
      assert.match(refused.stderr, message);
    }
    const skipped = { ...address, ...client, 'syslog-tls-skip-verify': 'true' };
    await world.ok(['rm', 'syslog']);
    await write(world, 'syslog', skipped, 'echo trusted');
    await server.until(() => /<30>.*trusted\n$/.test(all()));
  },
);

systemTest('gelf: compressed, in chunks, or in one stream', ['busybox'], async (world) => {
  for (const type of ['gzip', 'zlib', 'none']) {
    await using server = await udpReceiver();
    const options = { 'gelf-address': `udp://127.0.0.1:${server.port}`, 'gelf-compression-type': type, env: 'MODE' };
    // What does not compress comes in chunks in any case.
    const long =
      'head -c 9000 /dev/urandom | hexdump -v -e \'/1 "%02x"\' | tee /dev/stderr >/dev/null; echo >&2; echo \'"q"\\\\\'';
    const id = await write(world, 'gelf', options, long);
    await server.until((received) => gelfMessages(received).length === 3);
    const messages = gelfMessages(server.received);
    const [first] = messages.filter(({ level }) => level === 6);
    assert.deepEqual(first, {
      version: '1.1',
      host: hostname(),
      short_message: '"q"\\\\',
      timestamp: first?.['timestamp'],
      level: 6,
      _MODE: 'x y',
      _container_id: id,
      _container_name: 'gelf',
      _image_id: first?.['_image_id'],
      _image_name: world.image,
      _command: first?.['_command'],
      _tag: id.slice(0, 12),
      _created: first?.['_created'],
    });
    const hex = messages.filter(({ level }) => level === 3).map((message) => message['short_message']);
    assert.match(hex.join(''), /^[0-9a-f]{18000}$/);
    assert.ok(
      server.received.some((datagram) => datagram[0] === 0x1e),
      'chunks',
    );
    assert.ok(server.received.every(({ length }) => length <= 1420));
    await world.ok(['rm', 'gelf']);
  }
  await using server = await streamReceiver();
  await write(world, 'gelf', { 'gelf-address': `tcp://127.0.0.1:${server.port}` }, 'echo one; echo two');
  await server.until((received) => /two.*\0$/s.test(String(Buffer.concat(received))));
  const texts = String(Buffer.concat(server.received)).split('\0').slice(0, -1);
  assert.deepEqual(
    texts.map((text) => (JSON.parse(text) as { short_message: string }).short_message),
    ['one', 'two'],
  );
});

systemTest('fluentd: the forward protocol, over a server that goes away', ['busybox'], async (world) => {
  const path = join(world.scratch, 'fluentd.sock');
  const options = {
    'fluentd-address': `unix://${path}`,
    'fluentd-sub-second-precision': 'true',
    labels: 'kind',
    tag: 't.{{.Name}}',
  };
  await using server = await streamReceiver(path);
  const flags = ['--network', 'none', '--name', 'flow', '-l', 'kind=web', ...flagsOf('fluentd', options)];
  const id = await world.ok(['run', '-di', ...flags, world.image, 'cat']);
  const feed = world.start(['attach', '--sig-proxy=false', 'flow']);
  const records = () => server.received.flatMap(unpackAll) as [string, { seconds: number }, Record<string, string>][];
  feed.child.stdin?.write('one\n');
  await server.until(() => records().length === 1);
  const [tag, time, record] = records()[0] ?? ['', { seconds: 0 }, {}];
  assert.equal(tag, 't.flow');
  assert.ok(Math.abs(time.seconds * 1000 - Date.now()) < 60_000);
  assert.deepEqual(record, { container_id: id, container_name: '/flow', kind: 'web', source: 'stdout', log: 'one' });
  server.hangUp();
  feed.child.stdin?.write('two\n');
  await server.until(() => records().some(([, , { log }]) => log === 'two'));
  feed.child.stdin?.end();
  assert.equal((await feed.outcome).status, 0);
});

systemTest('journald: the native protocol', ['busybox'], async (world) => {
  mkdirSync('/run/systemd/journal', { recursive: true });
  using journal = bindNotifySocket('/run/systemd/journal/socket');
  const id = await write(world, 'journald', { labels: 'kind', tag: 'x' }, 'echo hello');
  const entry = journal.receive(10_000) ?? '';
  assert.match(entry, /^MESSAGE\n\x05\0{7}hello\nPRIORITY=6\nSYSLOG_TIMESTAMP=\S+Z\nKIND=web\n/);
  assert.match(
    entry,
    new RegExp(
      `CONTAINER_ID_FULL=${id}\nCONTAINER_NAME=journald\nCONTAINER_TAG=x\nIMAGE_NAME=.*\nSYSLOG_IDENTIFIER=x\n$`,
    ),
  );
});

systemTest(
  'a server that is not there or does not read neither kills nor holds up a container',
  ['busybox'],
  async (world) => {
    await using deaf = await streamReceiver();
    const address = `tcp://127.0.0.1:${deaf.port}`;
    await deaf[Symbol.asyncDispose]();
    const lines = 'i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done';
    const refused = await world.onggi([
      'run',
      '--network',
      'none',
      ...flagsOf('syslog', { 'syslog-address': address }),
      world.image,
      'true',
    ]);
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /failed to initialize logging driver: .*ECONNREFUSED|connect/i);
    const options = { 'syslog-address': 'udp://127.0.0.1:9', mode: 'non-blocking', 'max-buffer-size': '64k' };
    await write(world, 'syslog', options, lines);
    const file = await write(world, 'json-file', { mode: 'non-blocking', 'max-buffer-size': '8m' }, lines);
    await eventually('all is written', async () => linesOf(await world.ok(['logs', file])).length === 2000);
  },
);

systemTest('journald: logs come back from a journal', ['busybox', 'journald'], async (world) => {
  const absent = [
    'run',
    '-d',
    '--name',
    'early',
    '--network',
    'none',
    '--log-driver',
    'journald',
    world.image,
    'echo',
    'x',
  ];
  await world.ok(absent);
  await world.ok(['wait', 'early']);
  for (const path of ['/run/systemd/journal', '/run/log/journal']) mkdirSync(path, { recursive: true });
  const journald = start('/usr/lib/systemd/systemd-journald', []);
  const { child } = journald;
  try {
    const isThere = () => existsSync('/run/systemd/journal/io.systemd.journal');
    await eventually('the journal is there', () => isThere() || child.exitCode !== null);
    // A machine that does not let it run.
    if (child.exitCode !== null) return;
    const script = 'echo one; echo two >&2; printf part; read line; echo "got $line"';
    const id = await world.ok([
      'run',
      '-di',
      '--name',
      'jj',
      '--network',
      'none',
      '-l',
      'kind=web',
      ...flagsOf('journald', { labels: 'kind' }),
      world.image,
      'sh',
      '-c',
      script,
    ]);
    const logs = async (...flags: string[]) => (await world.onggi(['logs', ...flags, 'jj'])).stdout;
    await eventually('it is in the journal', async () => (await logs()) === 'one\n');
    const followed = start(binary, ['--root', world.root, 'logs', '-f', '--details', 'jj']);
    const attached = await world.onggi(['attach', 'jj'], { input: 'word\n' });
    assert.equal(attached.status, 0);
    const { stdout, stderr } = await followed.outcome;
    assert.deepEqual([stdout, stderr], ['KIND=web one\nKIND=web partgot word\n', 'KIND=web two\n']);
    assert.equal(await logs('--tail', '1'), 'partgot word\n');
    assert.match(await logs('-t', '--since', '1h'), /^\d{4}-\d\d-\d\dT[\d:.]+Z one\n/);
    assert.equal(await logs('--until', '1h'), '');
    // Others may write what they like, but not as us.
    const { status } = await world.onggi(['logs', 'early']);
    assert.equal(status, 0);
    assert.equal((await world.onggi(['logs', id])).stderr, 'two\n');
  } finally {
    child.kill('SIGKILL');
    await journald.outcome.catch(() => {});
    await world.onggi(['rm', '-f', 'jj', 'early']);
  }
});

systemTest('none, and what is refused before anything is made', ['busybox'], async (world) => {
  const id = await world.ok(['run', '-d', '--network', 'none', '--log-driver', 'none', world.image, 'echo', 'x']);
  const { status, stderr } = await world.onggi(['logs', id]);
  assert.deepEqual([status, stderr.split('\n')[0]], [1, 'onggi: configured logging driver does not support reading']);
  const before = await world.ok(['ps', '-aq']);
  for (const [flags, message] of [
    [['--log-driver', 'nosuch'], /no log driver named 'nosuch' is registered/],
    [['--log-driver', 'fluentd', '--log-opt', 'fluentd-write-timeout=1s'], /log option 'fluentd-write-timeout'/],
    [['--log-opt', 'foo=1'], /unknown log opt 'foo' for json-file log driver/],
    [['--log-driver', 'local', '--log-opt', 'labels=x'], /unknown log opt 'labels' for local log driver/],
    [['--log-opt', 'max-file=3'], /has no effect without max-size/],
    [['--log-driver', 'none', '--log-opt', 'max-size=1m'], /invalid logging opts for driver none/],
    [['--log-driver', 'gelf', '--log-opt', 'gelf-address=tcp+tls://x:1'], /TLS/],
    [['--log-driver', 'syslog', '--log-opt', 'syslog-tls-ca-cert=/ca.pem'], /no effect without TLS/],
    [['--log-driver', 'syslog', '--log-opt', 'syslog-tls-ca-cert=ca.pem'], /not an absolute path/],
    [['--log-driver', 'syslog', '--log-opt', 'syslog-facility=nosuch'], /syslog-facility/],
    [['--log-driver', 'gelf'], /gelf-address is required/],
    [['--log-opt', 'max-buffer-size=1m'], /only supported with 'mode=non-blocking'/],
    [['--log-opt', 'tag={{.Nope}}'], /"\{\{\.Nope\}\}".*is not known/],
  ] as const) {
    const refused = await world.onggi(['run', '--network', 'none', ...flags, world.image, 'true']);
    assert.equal(refused.status, 125, flags.join(' '));
    assert.match(refused.stderr, message);
  }
  assert.equal(await world.ok(['ps', '-aq']), before);
  const configured = { env: { ONGGI_LOG_DRIVER: 'local' } };
  const other = await world.ok(['create', '--network', 'none', world.image, 'true'], configured);
  assert.equal(await world.ok(['inspect', '-f', '{{.HostConfig.LogConfig.Type}}', other]), 'local');
  assert.match(await world.ok(['info'], configured), /Logging Driver: local/);
});
