import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec } from '../oci/runtime-schema.ts';
import { defaultSpec } from './default-spec.ts';

const types = (spec: ReturnType<typeof defaultSpec>) => spec.linux?.namespaces?.map(({ type }) => type);

test('what spec writes is a config', () => {
  for (const unified of [false, true]) {
    for (const rootless of [null, { uid: 1000, gid: 100 }]) {
      const spec = defaultSpec({ unified, rootless });
      assert.deepEqual(parseSpec(JSON.stringify(spec)), spec);
    }
  }
});

test('with cgroup v2 alone a container gets a cgroup namespace', () => {
  assert.deepEqual(types(defaultSpec({ unified: false, rootless: null })), ['pid', 'network', 'ipc', 'uts', 'mount']);
  assert.ok(types(defaultSpec({ unified: true, rootless: null }))?.includes('cgroup'));
});

test('without privileges there is one id, the network of the host, and no limit', () => {
  const spec = defaultSpec({ unified: false, rootless: { uid: 1000, gid: 100 } });
  assert.deepEqual(types(spec), ['pid', 'ipc', 'uts', 'mount', 'user']);
  assert.deepEqual(spec.linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assert.deepEqual(spec.linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
  assert.equal(spec.linux?.resources, undefined);
  const options = (spec.mounts ?? []).flatMap((mount) => mount.options ?? []);
  assert.equal(
    options.some((option) => /^[ug]id=/.test(option)),
    false,
  );
  assert.deepEqual(
    spec.mounts?.filter(({ destination }) => destination.startsWith('/sys')).map(({ source }) => source),
    ['/sys'],
  );
});
