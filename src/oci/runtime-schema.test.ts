import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { decodeSpec, encodeSpec } from './runtime-json.ts';
import { parseProcess, parseResources, parseSpec } from './runtime-schema.ts';
import type { Spec } from './runtime-spec.ts';

const minimal = { ociVersion: '1.2.0', process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['true'] } } as const;

const parse = (more: object): Spec => parseSpec(JSON.stringify({ ...minimal, ...more }));

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof OnggiError, String(error));
    assert.equal(error.code, 'invalid');
    return error.message;
  }
  return assert.fail('not refused');
}

test('every configuration of the golden plans is taken unchanged', () => {
  const directory = new URL('../runtime/plan/testdata/', import.meta.url);
  // Refused by the compiler for what a schema sees already.
  const malformed = new Set([
    'refused-environment',
    'refused-unknown-namespace',
    'refused-device-type',
    'refused-device-rule-access',
    'refused-oom-score',
  ]);
  let taken = 0;
  for (const name of readdirSync(directory)) {
    if (malformed.has(name)) continue;
    const text = readFileSync(new URL(`${name}/config.json`, directory), 'utf8');
    const { process, ...rest } = parseSpec(text);
    const { user, ...others } = process ?? {};
    const { username: _ignored, ...ids } = decodeSpec(text).process?.user ?? {};
    assert.deepEqual(user, process === undefined ? undefined : ids, name);
    const expected = decodeSpec(text);
    const { user: _user, ...expectedProcess } = expected.process ?? {};
    assert.deepEqual({ ...rest, process: others }, { ...expected, process: expectedProcess }, name);
    taken++;
  }
  assert.ok(taken > 30);
});

test('unknown fields are passed over, annotations kept, null is absent', () => {
  const spec = parse({
    vendor: { deep: [1] },
    annotations: { 'org.example.key': 'value', __proto__x: 'y' },
    mounts: null,
    linux: { other: { eth0: {} }, namespaces: null, resources: { pids: { limit: 5, other: 1 } } },
  });
  assert.deepEqual(spec, {
    ...minimal,
    annotations: { 'org.example.key': 'value', __proto__x: 'y' },
    linux: { resources: { pids: { limit: 5 } } },
  });
});

test('"__proto__" is a name like any other', () => {
  const spec = parseSpec('{"ociVersion":"1.2.0","annotations":{"__proto__":"x"}}');
  assert.deepEqual(Object.entries(spec.annotations ?? {}), [['__proto__', 'x']]);
  assert.equal(Object.getPrototypeOf(spec.annotations), Object.prototype);
});

test('a user by name is for the engine alone', () => {
  const process = parseProcess('{"user":{"uid":5,"gid":6,"username":"root"},"cwd":"/"}');
  assert.deepEqual(process.user, { uid: 5, gid: 6 });
});

test('64-bit numbers of limits are kept', () => {
  const spec: Spec = {
    ...minimal,
    process: { ...minimal.process, rlimits: [{ type: 'RLIMIT_AS', soft: 2n ** 64n - 2n, hard: 2n ** 64n - 1n }] },
  };
  assert.deepEqual(parseSpec(encodeSpec(spec)), spec);
  assert.equal(parseResources('{"memory":{"limit":9223372036854771712}}').memory?.limit, 2 ** 63 - 4096);
});

const inProcess = (more: object): object => ({ process: { ...minimal.process, ...more } });
const mount = (more: object): object => ({ mounts: [{ destination: '/a', ...more }] });
const rlimit = (soft: unknown): object => inProcess({ rlimits: [{ type: 'RLIMIT_CPU', soft, hard: 1 }] });

const refusals: readonly (readonly [string, object, RegExp])[] = [
  ['no version', { ociVersion: undefined }, /^config\.json: ociVersion: it is missing$/],
  ['another version', { ociVersion: '2.0.0' }, /ociVersion: "2\.0\.0" is not a version 1 of the specification/],
  ['no version number', { ociVersion: '1.x' }, /ociVersion: "1\.x" is not a version such as/],
  ['a uid of -1', inProcess({ user: { uid: -1, gid: 0 } }), /process\.user\.uid: "-1" is not a whole number from 0 to/],
  ['a uid that wraps', inProcess({ user: { uid: 4294967296, gid: 0 } }), /process\.user\.uid: "4294967296"/],
  ['a uid that means nobody', inProcess({ user: { uid: 4294967295, gid: 0 } }), /process\.user\.uid: "4294967295"/],
  ['a uid as text', inProcess({ user: { uid: '0', gid: 0 } }), /process\.user\.uid: "0" is not a whole number/],
  ['a uid with a fraction', inProcess({ user: { uid: 0.5, gid: 0 } }), /process\.user\.uid: "0\.5"/],
  ['no gid', inProcess({ user: { uid: 0 } }), /process\.user\.gid: it is missing/],
  ['a group', inProcess({ user: { uid: 0, gid: 0, additionalGids: [1, -1] } }), /additionalGids\[1\]: "-1"/],
  [
    'a mask',
    inProcess({ user: { uid: 0, gid: 0, umask: 512 } }),
    /user\.umask: "512" is not a whole number from 0 to 511/,
  ],
  ['a NUL', inProcess({ args: ['a\0b'] }), /process\.args\[0\]: .* is not a string without NUL/],
  ['no name of a variable', inProcess({ env: ['=x'] }), /process\.env\[0\]: "" is not of the form NAME=value/],
  ['no variable', inProcess({ env: ['SECRET'] }), /process\.env\[0\]: "SECRET" is not of the form/],
  [
    'a long argument',
    inProcess({ args: ['x'.repeat(131_072)] }),
    /args\[0\]: "x{80}\.\.\." is not a string of at most 131071/,
  ],
  ['a score', inProcess({ oomScoreAdj: -1001 }), /process\.oomScoreAdj: "-1001"/],
  [
    'a limit below zero',
    rlimit(-1),
    /process\.rlimits\[0\]\.soft: "-1" is not a whole number from 0 to 18446744073709551615/,
  ],
  ['a limit too great', rlimit(1e30), /process\.rlimits\[0\]\.soft: "1e\+30"/],
  ['a cwd that is a number', inProcess({ cwd: 1 }), /process\.cwd: "1" is not a string/],
  ['a terminal size', inProcess({ consoleSize: { height: 65536, width: 1 } }), /consoleSize\.height: "65536"/],
  ['a process that is a list', { process: [] }, /process: "\[\]" is not an object/],
  ['a mount without destination', { mounts: [{}] }, /mounts\[0\]\.destination: it is missing/],
  ['a long path', mount({ source: 'x'.repeat(4096) }), /mounts\[0\]\.source: .* at most 4095 characters/],
  ['options as text', mount({ options: 'ro' }), /mounts\[0\]\.options: "ro" is not a list/],
  ['an empty mapping', mount({ uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] }), /uidMappings\[0\]\.size: "0"/],
  ['many mounts', { mounts: Array.from({ length: 10_001 }, () => ({})) }, /mounts: 10001 items, 10000 are the most/],
  ['a long host name', { hostname: 'h'.repeat(65) }, /hostname: .* at most 64 characters/],
  ['a hook without path', { hooks: { prestart: [{}] } }, /hooks\.prestart\[0\]\.path/],
  [
    'a hook of negative time',
    { hooks: { poststop: [{ path: '/x', timeout: -1 }] } },
    /hooks\.poststop\[0\]\.timeout: "-1"/,
  ],
  [
    'a namespace',
    { linux: { namespaces: [{ type: 'mnt' }] } },
    /linux\.namespaces\[0\]\.type: "mnt" is not one of pid,/,
  ],
  ['a device', { linux: { devices: [{ path: '/x', type: 'd' }] } }, /linux\.devices\[0\]\.type: "d"/],
  ['an annotation', { annotations: { a: 1 } }, /annotations\.a: "1" is not a string/],
  ['an operator', seccompArgument({ op: 'EQ' }), /linux\.seccomp\.syscalls\[0\]\.args\[0\]\.op: "EQ"/],
  ['an argument', seccompArgument({ index: 6 }), /args\[0\]\.index: "6"/],
];

function seccompArgument(more: object): object {
  const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...more }];
  const action = 'SCMP_ACT_ALLOW';
  return { linux: { seccomp: { defaultAction: action, syscalls: [{ names: ['read'], action, args }] } } };
}

for (const [what, more, said] of refusals) {
  test(`refused: ${what}`, () =>
    assert.match(
      refusal(() => parse(more)),
      said,
    ));
}

test('what is no object or no JSON is refused in words', () => {
  assert.match(
    refusal(() => parseSpec('[]')),
    /^config\.json: the whole: "\[\]" is not an object$/,
  );
  assert.match(
    refusal(() => parseSpec('null')),
    /^config\.json: the whole: null is not an object$/,
  );
  assert.match(
    refusal(() => parseSpec('{"a":')),
    /^config\.json: not JSON: /,
  );
  assert.match(
    refusal(() => parseProcess('', 'p.json')),
    /^p\.json: not JSON: /,
  );
  assert.match(
    refusal(() => parseSpec(' '.repeat((4 << 20) + 1))),
    /^config\.json: 4194305 characters, 4194304 are/,
  );
  assert.match(
    refusal(() => parseSpec('['.repeat(1 << 20))),
    /^config\.json: not JSON: /,
  );
});

test('what can not be written as JSON is refused in words all the same', () => {
  const config = (mounts: string): string => `{"ociVersion":"1.2.0","mounts":${mounts}}`;
  const refused = (text: string, message: RegExp): void =>
    assert.throws(() => parseSpec(text), { code: 'invalid', message });
  refused(
    config('[[123456789012345678901234567890]]'),
    /mounts\[0\]: "\["123456789012345678901234567890"\]" is not an object/,
  );
  refused(
    config(`${'['.repeat(500_000)}${']'.repeat(500_000)}`),
    /nested too deeply|mounts\[0\]: "\[\.\.\." is not an object/,
  );
});
