import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageProcess } from '../../oci/image-spec.ts';
import { layoutOf } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import { exampleContainer } from '../../store/testing.ts';
import type { ContainerId, ContainerOptions, ContainerSummary } from '../types.ts';
import { type Container, filesOf } from './container.ts';
import { lostEnding } from './ending.ts';
import { inspectContainer } from './inspect.ts';
import { exposedPorts } from './inspect-config.ts';

const id = 'ab'.repeat(32) as ContainerId;
const image: ImageProcess = {
  env: ['PATH=/bin', 'A=image', 'B=image'],
  entrypoint: ['/entry'],
  cmd: ['serve'],
  workingDir: '/srv',
  user: 'app',
  exposedPorts: ['80', '53/udp'],
  volumes: ['/data'],
  labels: { from: 'image' },
  stopSignal: 'SIGUSR1',
};

function container(options: Partial<ContainerOptions>, change: Partial<Container> = {}): Container {
  return {
    id,
    row: exampleContainer(id, 'web', { created: 5, networkMode: 'bridge' }),
    options: { image: 'app', ...options },
    args: ['/entry', 'serve'],
    imageLabels: image.labels,
    imageExposed: [],
    health: undefined,
    ending: null,
    start: null,
    files: filesOf({ layout: layoutOf('/s') } as Store, id),
    ...change,
  };
}

const summary = { ports: [], address: null, labels: { from: 'image', own: '1' } } as unknown as ContainerSummary;

const volumePath = (name: string) => `/volumes/${name}`;

type Found = Record<string, unknown>;
function inspected(options: Partial<ContainerOptions>, withImage: ImageProcess | null = image): Record<string, Found> {
  return inspectContainer(container(options), summary, { network: null, image: withImage, volumePath }) as Record<
    string,
    Found
  >;
}

test('settings are those of the flags, else of the image', () => {
  const { Config: plain } = inspected({});
  assert.deepEqual(
    [
      plain?.['Env'],
      plain?.['Cmd'],
      plain?.['Entrypoint'],
      plain?.['User'],
      plain?.['WorkingDir'],
      plain?.['StopSignal'],
    ],
    [image.env, ['serve'], ['/entry'], 'app', '/srv', 'SIGUSR1'],
  );
  const chosen = { env: ['A=mine', 'C=1', 'B'], command: ['x'], user: '0', workingDir: '/', stopSignal: 'TERM' };
  const { Config: own } = inspected(chosen);
  assert.deepEqual(
    [own?.['Env'], own?.['Cmd'], own?.['Entrypoint'], own?.['User'], own?.['WorkingDir'], own?.['StopSignal']],
    [['A=mine', 'C=1', 'B', 'PATH=/bin'], ['x'], ['/entry'], '0', '/', 'TERM'],
  );
  const { Config: entered } = inspected({ entrypoint: ['/other'] });
  assert.deepEqual([entered?.['Cmd'], entered?.['Entrypoint']], [null, ['/other']]);
  const { Config: bare } = inspected({ command: ['sh'] }, null);
  assert.deepEqual(
    [bare?.['Env'], bare?.['Entrypoint'], bare?.['Volumes'], bare?.['ExposedPorts']],
    [null, null, null, undefined],
  );
});

test('ports: exposed by the image, published by the user, bound while it runs', () => {
  const ports = [
    { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' },
  ] as const;
  const { Config, HostConfig, NetworkSettings } = inspected({ ports });
  assert.deepEqual(Config?.['ExposedPorts'], { '80/tcp': {}, '53/udp': {} });
  assert.deepEqual(HostConfig?.['PortBindings'], {
    '80/tcp': [
      { HostIp: '', HostPort: '8080' },
      { HostIp: '127.0.0.1', HostPort: '' },
    ],
  });
  assert.deepEqual(NetworkSettings?.['Ports'], {});
  const running = { ...summary, address: '10.88.0.2', ports: [{ ...ports[0], hostIp: '0.0.0.0' }] } as ContainerSummary;
  const facts = { name: 'bridge', gateway: '10.88.0.1', prefixLength: 16, mac: '02:42:0a:58:00:02' };
  const found = inspectContainer(container({ ports }), running, { network: facts, image, volumePath }) as Record<
    string,
    Found
  >;
  assert.deepEqual(found['NetworkSettings']?.['Ports'], {
    '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }],
    '53/udp': null,
  });
  const endpoint = { IPAddress: '10.88.0.2', IPPrefixLen: 16, Gateway: '10.88.0.1', MacAddress: '02:42:0a:58:00:02' };
  const networks = (found['NetworkSettings']?.['Networks'] ?? {}) as Record<string, Found>;
  for (const [name, value] of Object.entries(endpoint)) assert.equal(networks['bridge']?.[name], value);
});

test('what an image exposes and is no port is passed over', () => {
  const said = [
    '80',
    '53/UDP',
    '9/sctp',
    '80/tcp\t\x1b[2J',
    '81/\x015\x02',
    'x',
    '1-9',
    '7/icmp',
    '/tcp',
    '80/tcp/udp',
    '',
  ];
  assert.deepEqual(exposedPorts({ exposed: ['90/tcp'] }, { exposedPorts: said }), [
    '80/tcp',
    '53/udp',
    '9/sctp',
    '90/tcp',
  ]);
});

test('a range of host ports of which one is taken', () => {
  const ports = [{ hostIp: '', hostPort: 8000, lastHostPort: 8010, containerPort: 80, protocol: 'tcp' }] as const;
  const bindings = inspected({ ports })['HostConfig']?.['PortBindings'];
  assert.deepEqual(bindings, { '80/tcp': [{ HostIp: '', HostPort: '8000-8010' }] });
});

test('links by the names of now, without those that are gone; the size limit', () => {
  const links = [
    { container: 'c1', alias: 'db' },
    { container: 'gone', alias: 'x' },
  ];
  const containerName = (ref: string) => (ref === 'c1' ? 'store' : undefined);
  const facts = { network: null, image, volumePath, containerName };
  const { HostConfig } = inspectContainer(container({ links, storageSize: 4096 }), summary, facts) as Record<
    string,
    Found
  >;
  assert.deepEqual(HostConfig?.['Links'], ['/store:/web/db']);
  assert.deepEqual(HostConfig?.['StorageOpt'], { size: '4096' });
  assert.equal('StorageOpt' in (inspected({})['HostConfig'] ?? {}), false);
});

test('the state: made, running, ended, ended and started anew', () => {
  const state = (change: Partial<Container['row']>, ending: Container['ending'] = null): Found => {
    const row = { ...exampleContainer(id, 'web'), ...change };
    const found = inspectContainer(container({}, { row, ending }), summary, {
      network: null,
      image,
      volumePath,
    }) as Record<string, Found>;
    const { Paused, Restarting, Dead, ...told } = found['State'] ?? {};
    assert.deepEqual([Paused, Restarting, Dead], [false, false, false]);
    return told;
  };
  const never = '0001-01-01T00:00:00Z';
  const none = {
    Running: false,
    Pid: 0,
    ExitCode: 0,
    OOMKilled: false,
    Error: '',
    StartedAt: never,
    FinishedAt: never,
  };
  assert.deepEqual(state({}), { Status: 'created', ...none });
  assert.deepEqual(state({ state: 'starting' }), { Status: 'created', ...none });
  assert.deepEqual(state({ state: 'starting', pid: 9 }), { ...none, Status: 'initialized', Pid: 9 });
  assert.deepEqual(state({ state: 'running', pid: 9, startedAt: 0 }), {
    ...{ Status: 'running', ...none, Running: true, Pid: 9 },
    StartedAt: '1970-01-01T00:00:00.000Z',
  });
  const oom = { ...lostEnding(1000), oom: 'cgroup', failure: 'x' } as const;
  assert.deepEqual(state({ state: 'exited', startedAt: 0, finishedAt: 1000 }, oom), {
    ...{ Status: 'exited', ...none, ExitCode: 137, OOMKilled: true, Error: 'x' },
    ...{ StartedAt: '1970-01-01T00:00:00.000Z', FinishedAt: '1970-01-01T00:00:01.000Z' },
  });
});

test('what --mount asks for stands apart, in the words of Docker', () => {
  const anonymous = 'ab'.repeat(32);
  const [volume, byMount] = [{ type: 'volume', readOnly: false, copy: true }, true] as const;
  const { HostConfig, Mounts } = inspected({
    mounts: [
      { type: 'bind', source: '/a', target: '/b', readOnly: true, propagation: 'rshared', byMount },
      { type: 'bind', source: '/c', target: '/d', readOnly: false, propagation: 'rprivate', byMount },
      { type: 'tmpfs', target: '/t', options: 'ro,size=1048576,mode=700', byMount },
      { ...volume, name: anonymous, target: '/v', byMount },
      {
        ...volume,
        name: 'v',
        target: '/w',
        copy: false,
        labels: { a: 'b' },
        subpath: 's',
        options: { o: 'x' },
        byMount,
      },
      { type: 'image', source: 'i', target: '/i', readOnly: true, subpath: 's', byMount },
      { ...volume, name: 'other', target: '/x' },
    ],
  });
  assert.deepEqual([HostConfig?.['Binds'], HostConfig?.['Tmpfs']], [['other:/x'], undefined]);
  const options = { NoCopy: true, Labels: { a: 'b' }, Subpath: 's', DriverConfig: { Options: { o: 'x' } } };
  assert.deepEqual(HostConfig?.['Mounts'], [
    { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'rshared' } },
    { Type: 'bind', Source: '/c', Target: '/d' },
    { Type: 'tmpfs', Target: '/t', ReadOnly: true, TmpfsOptions: { SizeBytes: 1_048_576, Mode: 448 } },
    { Type: 'volume', Target: '/v' },
    { Type: 'volume', Source: 'v', Target: '/w', VolumeOptions: options },
    { Type: 'image', Source: 'i', Target: '/i', ImageOptions: { Subpath: 's' } },
  ]);
  const seen = Mounts as unknown as readonly Record<string, unknown>[];
  assert.deepEqual(
    seen.map(({ Type, Destination, Mode, RW }) => [Type, Destination, Mode, RW].join(' ')),
    [
      'bind /b  false',
      'bind /d  true',
      'tmpfs /t  false',
      'volume /v  true',
      'volume /w  true',
      'image /i  false',
      'volume /x  true',
    ],
  );
});

test('mounts, limits, capabilities in Docker’s words', () => {
  const { HostConfig, Mounts } = inspected({
    mounts: [
      { type: 'bind', source: '/a', target: '/b', readOnly: true, propagation: 'rprivate' },
      { type: 'tmpfs', target: '/t', options: 'size=1m' },
    ],
    resources: { memory: 100, nanoCpus: 5 },
    capAdd: ['net_admin', 'ALL'],
    capDrop: ['CAP_CHOWN'],
    ulimits: [{ name: 'nofile', soft: 1n, hard: -1n }],
    log: { driver: 'local', options: { 'max-size': '10', 'max-file': '3' } },
  });
  assert.deepEqual(HostConfig?.['Binds'], ['/a:/b:ro']);
  assert.deepEqual(HostConfig?.['Tmpfs'], { '/t': 'size=1m' });
  assert.deepEqual([HostConfig?.['Memory'], HostConfig?.['MemorySwap'], HostConfig?.['NanoCpus']], [100, 200, 5]);
  assert.deepEqual([HostConfig?.['CapAdd'], HostConfig?.['CapDrop']], [['CAP_NET_ADMIN', 'ALL'], ['CAP_CHOWN']]);
  assert.deepEqual(HostConfig?.['Ulimits'], [{ Name: 'nofile', Soft: 1, Hard: -1 }]);
  assert.deepEqual(HostConfig?.['LogConfig'], { Type: 'local', Config: { 'max-size': '10', 'max-file': '3' } });
  const mount = { Type: 'bind', Source: '/a', Destination: '/b', Mode: 'ro', RW: false, Propagation: 'rprivate' };
  assert.deepEqual(Mounts, [mount]);
  assert.deepEqual(
    [inspected({ privileged: true })['HostConfig']?.['MaskedPaths'], HostConfig?.['CapAdd'] !== null],
    [null, true],
  );
});
