import assert from 'node:assert/strict';
import test from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { parseImageConfig } from './config.ts';

const base = {
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [sha256('a')] },
};

function parse(config: unknown) {
  return parseImageConfig(Buffer.from(JSON.stringify(config)), 'image config "x"').value;
}

test('a config of few words has defaults', () => {
  assert.deepEqual(parse(base), {
    platform: { os: 'linux', architecture: 'amd64', variant: null },
    created: 0,
    diffIds: [sha256('a')],
    process: {
      env: [],
      entrypoint: [],
      cmd: [],
      workingDir: '',
      user: '',
      exposedPorts: [],
      volumes: [],
      labels: {},
      stopSignal: null,
    },
  });
});

test('what a container needs comes out, null counts as absent', () => {
  const { process, created, platform } = parse({
    ...base,
    variant: 'v2',
    created: '2024-01-02T03:04:05.123456789Z',
    config: {
      Env: ['A=1'],
      Entrypoint: null,
      Cmd: ['sh'],
      WorkingDir: '/w',
      User: 'app',
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/v': {} },
      Labels: { a: 'b' },
      StopSignal: 'SIGINT',
    },
  });
  assert.equal(created, Date.parse('2024-01-02T03:04:05.123Z'));
  assert.equal(platform.variant, 'v2');
  assert.deepEqual(process, {
    env: ['A=1'],
    entrypoint: [],
    cmd: ['sh'],
    workingDir: '/w',
    user: 'app',
    exposedPorts: ['80/tcp'],
    volumes: ['/v'],
    labels: { a: 'b' },
    stopSignal: 'SIGINT',
  });
});

test('no other field of an image comes out, whatever it is called', () => {
  const hostile = {
    Privileged: true,
    privileged: true,
    HostConfig: { Privileged: true, Binds: ['/:/host'] },
    OnBuild: ['RUN x'],
    Shell: ['x'],
    Annotations: { 'io.podman.annotations.privileged': 'TRUE' },
    NetworkDisabled: true,
    CapAdd: ['ALL'],
  };
  const found = parse({ ...base, ...hostile, annotations: hostile, config: { ...hostile, Cmd: ['sh'] } });
  assert.deepEqual(found, parse({ ...base, config: { Cmd: ['sh'] } }));
});

const refused: Record<string, unknown> = {
  'not an object': [],
  'no rootfs': { ...base, rootfs: undefined },
  'an unknown kind of rootfs': { ...base, rootfs: { type: 'vm', diff_ids: [] } },
  'a diff id that is no digest': { ...base, rootfs: { type: 'layers', diff_ids: ['../../x'] } },
  'too many layers': { ...base, rootfs: { type: 'layers', diff_ids: Array(300).fill(sha256('a')) } },
  'no architecture': { ...base, architecture: undefined },
  'an architecture with a slash': { ...base, architecture: '../x' },
  'Env that is no list': { ...base, config: { Env: 'A=1' } },
  'a number in Cmd': { ...base, config: { Cmd: [1] } },
  'a NUL in Cmd': { ...base, config: { Cmd: ['a\0b'] } },
  'a line break in User': { ...base, config: { User: 'root\nx:0:0' } },
  'a line break in WorkingDir': { ...base, config: { WorkingDir: '/a\n/b' } },
  'an argument beyond the kernel limit': { ...base, config: { Cmd: ['x'.repeat(200_000)] } },
  'a signal that is none': { ...base, config: { StopSignal: '9; rm' } },
};

for (const [what, config] of Object.entries(refused)) {
  test(`refused: ${what}`, () => assert.throws(() => parse(config), { code: 'corrupt' }));
}

test('refused: bytes that are no JSON or no UTF-8', () => {
  for (const bytes of ['', '{', '\u0000', Buffer.from([0x22, 0xff, 0x22]), '['.repeat(200_000)]) {
    assert.throws(() => parseImageConfig(Buffer.from(bytes), 'x'), { code: 'corrupt' });
  }
});
