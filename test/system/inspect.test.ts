/** `inspect`, `ps`, `images`, `info`, `version`: what is told, in the fields and words that Docker's users rely on. */
import assert from 'node:assert/strict';
import { busyboxTar } from '../harness/busybox-image.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect, linesOf } from './container-view.ts';

/** The busybox image with settings of its own, under the name "own". */
async function importOwn(world: World): Promise<string> {
  const changes = ['CMD ["true","7"]', 'LABEL from=image both=image', 'ENV A=image B=image', 'EXPOSE 80 53/udp'];
  const rest = ['WORKDIR /www', 'USER app', 'VOLUME /data', 'STOPSIGNAL SIGUSR1'];
  return await world.ok([
    'import',
    ...[...changes, ...rest].flatMap((each) => ['-c', each]),
    await busyboxTar(),
    'own',
  ]);
}

systemTest('a container: what its image and its flags give together', ['busybox'], async (world) => {
  const image = await importOwn(world);
  const flags = ['--name', 'full', '-e', 'A=mine', '-e', 'C=1', '-l', 'both=mine', '-m', '64m', '--cpus', '0.5'];
  const more = ['--pids-limit', '50', '--ulimit', 'nofile=10:20', '--sysctl', 'kernel.msgmax=4000', '--read-only'];
  const rest = ['--cap-drop', 'ALL', '--cap-add', 'chown', '--log-opt', 'max-size=1m', '--tmpfs', '/t:size=1m'];
  await world.ok(['create', '--network', 'none', '-t', '-i', '-h', 'jar', ...flags, ...more, ...rest, 'own']);
  const { Config, HostConfig, State, Image, Path, Args, Name } = await inspect(world, 'full');
  assert.deepEqual([Image, Path, Args, Name, State.Status], [image, 'true', ['7'], '/full', 'created']);
  assert.deepEqual(Config, {
    Hostname: 'jar',
    Domainname: '',
    User: 'app',
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
    OpenStdin: true,
    StdinOnce: true,
    Env: ['A=mine', 'C=1', 'B=image'],
    Cmd: ['true', '7'],
    Image: 'own',
    Volumes: { '/data': {} },
    WorkingDir: '/www',
    Entrypoint: null,
    OnBuild: null,
    Labels: { from: 'image', both: 'mine' },
    StopSignal: 'SIGUSR1',
  });
  const expected = {
    Binds: null,
    Tmpfs: { '/t': 'size=1m' },
    NetworkMode: 'none',
    PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    CapAdd: ['CAP_CHOWN'],
    CapDrop: ['ALL'],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    Memory: 64 << 20,
    MemorySwap: 128 << 20,
    NanoCpus: 500_000_000,
    PidsLimit: 50,
    Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
    Sysctls: { 'kernel.msgmax': '4000' },
    ReadonlyRootfs: true,
    Privileged: false,
    ShmSize: 64 << 20,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, HostConfig[key]])), expected);
});

systemTest(
  'a command, an entrypoint and a user of its own take the place of the image’s',
  ['busybox'],
  async (world) => {
    await importOwn(world);
    const configOf = async (...args: string[]) => {
      const id = await world.ok(['create', '--network', 'none', ...args]);
      const { Config, Path, Args } = await inspect(world, id);
      return [Config['Entrypoint'], Config['Cmd'], Config['User'], [Path, ...Args].join(' ')];
    };
    assert.deepEqual(await configOf('-u', '0', 'own', 'echo', 'x'), [null, ['echo', 'x'], '0', 'echo x']);
    assert.deepEqual(await configOf('--entrypoint', 'echo', 'own'), [['echo'], null, 'app', 'echo']);
    assert.deepEqual(await configOf('--entrypoint', 'echo', 'own', 'x'), [['echo'], ['x'], 'app', 'echo x']);
    // Labels of the image are labels of its containers, and the image may go.
    assert.equal(linesOf(await world.ok(['ps', '-aq', '-f', 'label=from=image'])).length, 3);
    await world.ok(['rmi', '-f', 'own']);
    assert.equal(linesOf(await world.ok(['ps', '-aq', '-f', 'label=from'])).length, 3);
    const [first = ''] = linesOf(await world.ok(['ps', '-aq']));
    assert.deepEqual((await inspect(world, first)).Config['Env'], ['A=image', 'B=image']);
  },
);

systemTest('templates, several of them, what is not there', ['busybox'], async (world) => {
  const id = await detached(world, ['--name', 'web', '-l', 'a.b=c', '-m', '32m'], ['onggi-probe', 'sleep']);
  const told = (format: string, ...refs: string[]) => world.onggi(['inspect', '-f', format, ...refs]);
  for (const [format, line] of [
    ['{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}', 'running true 0'],
    ['{{.Id}}', id],
    ['{{index .Config.Labels "a.b"}}', 'c'],
    ['{{json .Config.Cmd}}', '["onggi-probe","sleep"]'],
    ['{{.HostConfig.Memory}}', String(32 << 20)],
    ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
    ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}', 'a.b=c;'],
    ['{{.Config.Labels.nosuch}}', '<no value>'],
    ['{{slice .Id 0 12}} {{.Name | printf "%q"}}', `${id.slice(0, 12)} "/web"`],
    ['{{range .NetworkSettings.Networks}}[{{.IPAddress}}]{{end}}', '[]'],
  ] as const) {
    assert.deepEqual(await told(format, 'web'), { status: 0, signal: null, stdout: `${line}\n`, stderr: '' }, format);
  }
  // Each that is there is told, the others are named, and the exit status tells that there were some.
  const mixed = await told('{{.Id}}', 'web', 'nosuch', id.slice(0, 6), world.image);
  const image = await world.ok(['images', '-q', '--no-trunc']);
  assert.deepEqual([mixed.status, mixed.stdout], [1, `${id}\n${id}\n${image}\n`]);
  assert.equal(mixed.stderr, 'onggi: No such object: nosuch\n');
  const none = await world.onggi(['inspect', 'nosuch']);
  assert.deepEqual([none.status, none.stdout, none.stderr], [1, '[]\n', 'onggi: No such object: nosuch\n']);
  for (const [format, status, message] of [
    ['{{.Nosuch}}', 1, /template parsing error: .*no entry for key "Nosuch"/],
    ['{{.State.Nosuch}}', 1, /no entry for key "Nosuch"/],
    ['{{', 64, /template/],
    ['{{nosuch .}}', 64, /nosuch/],
  ] as const) {
    const failed = await told(format, 'web');
    assert.equal(failed.status, status, `${format}: ${failed.stdout}${failed.stderr}`);
    assert.match(failed.stderr, message);
  }
  for (const [args, message] of [
    [['inspect', '--type', 'image', 'web'], /^onggi: No such image: web/],
    [['inspect', '--type', 'container', world.image], /^onggi: No such container: busybox/],
    [['container', 'inspect', world.image], /^onggi: No such container: busybox/],
    [['image', 'inspect', 'web'], /^onggi: No such image: web/],
    [['inspect', '--type', 'nosuch', 'web'], /nosuch/],
  ] as const) {
    assert.match((await world.onggi(args)).stderr, message);
  }
});

systemTest('an image: its settings, names and layers; listed, filtered, removed', ['busybox'], async (world) => {
  const id = await importOwn(world);
  const [found] = JSON.parse(await world.ok(['image', 'inspect', 'own']));
  assert.deepEqual([found.Id, found.RepoTags, found.RepoDigests, found.Os], [id, ['own:latest'], [], 'linux']);
  assert.deepEqual(found.Config, {
    User: 'app',
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    Env: ['A=image', 'B=image'],
    Cmd: ['true', '7'],
    Entrypoint: null,
    Volumes: { '/data': {} },
    WorkingDir: '/www',
    Labels: { from: 'image', both: 'image' },
    StopSignal: 'SIGUSR1',
  });
  assert.equal(found.RootFS.Layers.length, 1);
  // The same layer under two configurations.
  const plain = await world.ok(['inspect', '-f', '{{json .RootFS.Layers}}', world.image]);
  assert.equal(plain, JSON.stringify(found.RootFS.Layers));
  const rows = async (...flags: string[]) => linesOf(await world.ok(['images', ...flags])).sort();
  const names = (...flags: string[]) => rows('--format', '{{.Repository}}:{{.Tag}}', ...flags);
  assert.deepEqual(await names(), ['busybox:latest', 'own:latest']);
  assert.deepEqual(await names('own'), ['own:latest']);
  assert.deepEqual(await names('-f', 'label=from=image'), ['own:latest']);
  assert.deepEqual(await names('-f', 'reference=b*'), ['busybox:latest']);
  assert.deepEqual(await names('-f', 'dangling=true'), []);
  assert.deepEqual(await rows('-q', '--no-trunc', 'own'), [id]);
  assert.deepEqual(await rows('-q', 'own'), [id.slice(7, 19)]);
  assert.match((await rows()).join('\n'), /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/m);
  // In use: refused by name and by id, kept for its containers when forced.
  await world.ok(['create', '--name', 'user', '--network', 'none', 'own']);
  const refused = await world.onggi(['rmi', 'own']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /own.*(container|used)/);
  assert.match(await world.ok(['rmi', '-f', 'own']), /^Untagged: own:latest/);
  assert.equal((await world.onggi(['start', '-a', 'user'])).status, 0, 'its layers are there as long as it is');
  await world.ok(['rm', 'user']);
  const gone = await world.onggi(['rmi', 'own']);
  assert.deepEqual([gone.status, gone.stderr], [1, 'onggi: No such image: own:latest\n']);
});

systemTest('ps: formats, filters, the last ones', ['busybox'], async (world) => {
  const create = (name: string, ...flags: string[]) =>
    world.ok(['create', '--name', name, '--network', 'none', ...flags, world.image, 'sh', '-c', 'exit 3']);
  const first = await create('first', '-l', 'tier=a');
  await create('second', '-l', 'tier=b', '-l', 'x');
  await create('third');
  await world.onggi(['start', '-a', 'second']);
  const runs = await detached(world, ['--name', 'runs', '--network', 'host'], ['onggi-probe', 'sleep']);
  const names = async (...flags: string[]) => linesOf(await world.ok(['ps', '--format', '{{.Names}}', ...flags]));
  assert.deepEqual(await names(), ['runs']);
  assert.deepEqual(await names('-a'), ['runs', 'third', 'second', 'first']);
  assert.deepEqual(await names('-n', '2'), ['runs', 'third']);
  assert.deepEqual(await names('-l'), ['runs']);
  for (const [filters, found] of [
    [['name=sec'], ['second']],
    [['name=^/?f.*t$'], ['first']],
    [['label=tier'], ['second', 'first']],
    [['label=tier=b'], ['second']],
    [['label=tier', 'label=x'], ['second']],
    [['status=created'], ['third', 'first']],
    [
      ['status=created', 'status=exited'],
      ['third', 'second', 'first'],
    ],
    [['exited=3'], ['second']],
    [[`id=${first.slice(0, 8)}`], ['first']],
    [['ancestor=busybox'], ['runs', 'third', 'second', 'first']],
    [['ancestor=nosuch'], []],
    [['before=third'], ['second', 'first']],
    [['since=second'], ['runs', 'third']],
    [['network=host'], ['runs']],
  ] as const) {
    assert.deepEqual(await names('-a', ...filters.flatMap((each) => ['-f', each])), found, filters.join(' '));
  }
  assert.equal(await world.ok(['ps', '-q', '--no-trunc']), runs);
  assert.equal(await world.ok(['ps', '-q']), runs.slice(0, 12));
  const table = linesOf(await world.ok(['ps']));
  assert.match(table[0] ?? '', /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
  assert.match(table[1] ?? '', /^[0-9a-f]{12} +busybox +"onggi-probe sleep" +.* ago +Up .* +runs$/);
  const row = JSON.parse(await world.ok(['ps', '--format', 'json']));
  assert.deepEqual([row.Names, row.State, row.Networks, row.Image], ['runs', 'running', 'host', 'busybox']);
  const columns = linesOf(await world.ok(['ps', '-a', '--format', 'table {{.Names}}\t{{.Label "tier"}}']));
  assert.deepEqual(
    columns.map((line) => line.split(/ +/)),
    [
      ['NAMES', 'tier'],
      ['runs', ''],
      ['third', ''],
      ['second', 'b'],
      ['first', 'a'],
    ],
  );
  for (const [args, message] of [
    [['-f', 'nosuch=1'], /[Ii]nvalid filter 'nosuch'/],
    [['-f', 'status=nosuch'], /Invalid filter 'status=nosuch'/],
    [['-f', 'status'], /status/],
    [['-f', 'before=nosuch'], /No such container: nosuch/],
    [['--format', '{{.Nosuch}}'], /can't evaluate field Nosuch/],
    [['extra'], /accepts no arguments/],
  ] as const) {
    const { status, stderr, stdout } = await world.onggi(['ps', ...args]);
    assert.ok(status !== 0, `${args.join(' ')}: ${stdout}`);
    assert.match(stderr, message);
  }
});

systemTest('info and version', ['busybox'], async (world) => {
  await world.ok(['create', '--network', 'none', world.image, 'true']);
  await detached(world, [], ['onggi-probe', 'sleep']);
  const facts =
    '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}} {{.Images}} {{.Driver}} {{.DockerRootDir}}';
  assert.equal(await world.ok(['info', '-f', facts]), `2 1 1 1 overlay2 ${world.root}`);
  const text = await world.ok(['info']);
  for (const line of [
    /^ Containers: 2$/m,
    /^ {2}Running: 1$/m,
    /^ Cgroup Version: (1|2|1 \(hybrid\))$/m,
    /^ Logging Driver: json-file$/m,
  ]) {
    assert.match(text, line);
  }
  const version = await world.ok(['version', '--format', '{{.Client.Version}}']);
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal(await world.ok(['--version']), `onggi version ${version}`);
  assert.match(await world.ok(['version']), /OS\/Arch:\s+linux\/(amd64|arm64)/);
  assert.equal(JSON.parse(await world.ok(['version', '--format', 'json'])).Client.Version, version);
});

systemTest(
  'networks, sizes and the endpoint of a container, by their names of Docker',
  ['busybox', 'bridge', 'veth', 'nf_tables'],
  async (world) => {
    const id = await world.ok(['run', '-d', '--name', 'web', world.image, 'sleep', '1000']);
    await world.ok(['exec', id, 'sh', '-c', 'head -c 100000 /dev/zero >/big']);
    const [container] = JSON.parse(await world.ok(['inspect', '--size', '--latest']));
    assert.ok(container.SizeRw >= 100_000 && container.SizeRootFs > container.SizeRw);
    const sized = await world.onggi(['inspect', '-s', '-f', '{{.Id}}', world.image, id]);
    assert.deepEqual([sized.status, sized.stderr], [0, 'WARNING: --size ignored for image\n']);
    const { bridge } = container.NetworkSettings.Networks;
    assert.match(container.NetworkSettings.SandboxKey, /^\/proc\/\d+\/ns\/net$/);
    assert.equal(container.NetworkSettings.IPAddress, bridge.IPAddress);
    assert.ok(container.GraphDriver.Data === null || container.GraphDriver.Data.LowerDir.includes('/layers/'));
    const [network] = JSON.parse(await world.ok(['inspect', '--type', 'network', 'bridge']));
    assert.deepEqual(
      [network.Name, network.Driver, network.Scope, network.IPAM.Config[0].Gateway],
      ['bridge', 'bridge', 'local', bridge.Gateway],
    );
    assert.deepEqual(network.Containers[id], {
      Name: 'web',
      EndpointID: id,
      MacAddress: bridge.MacAddress,
      IPv4Address: `${bridge.IPAddress}/${bridge.IPPrefixLen}`,
      IPv6Address: '',
    });
    assert.equal(await world.ok(['inspect', '--format', '{{.Driver}}', 'none']), 'null');
    assert.equal((await world.onggi(['inspect', '--type', 'network', 'web'])).status, 1);
    assert.equal((await world.onggi(['inspect', '--type', 'moon', 'web'])).status, 1);
    await world.ok(['secret', 'create', 'word', '-'], { input: 'xyzzy' });
    assert.equal(await world.ok(['inspect', '--format', '{{.Spec.Name}}', 'word']), 'word');
    await world.ok(['secret', 'rm', 'word']);
    const bare = JSON.parse(await world.ok(['inspect', 'web']))[0];
    assert.deepEqual([bare.SizeRw, bare.SizeRootFs], [undefined, undefined]);
    await world.ok(['rm', '-f', id]);
  },
);
