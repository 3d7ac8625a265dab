/** Debian's podman as an ordinary user, with `--runtime PATH`: it calls the runtime as root of a user namespace. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { firstSubId, userId } from '../harness/ordinary-user.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';
import { assertBuilt, runtimePath } from './runtime-path.ts';

/** A machine without CAP_SYS_RESOURCE can't raise limits to what podman has as defaults. */
const configuration = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Its locks are shared memory of a fixed name. */
const around = `sh -ec 'mount -t tmpfs -o mode=1777 tmpfs /dev/shm; exec "$@"' sh`;

const script = `set -e
podman="podman --root $HOME/root --runroot $XDG_RUNTIME_DIR/storage --storage-driver vfs --runtime $1"
none='--network none'
trap '$podman rm --all --force --time 0 >/dev/null; podman unshare rm -rf "$HOME/root"; kill $(cat "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid")' EXIT
$podman import --quiet ../busybox.tar localhost/busybox >/dev/null 2>&1
$podman run --rm $none localhost/busybox sh -c 'id -u; cat /proc/self/uid_map; touch /f && stat -c %u:%g /f'
$podman run --rm $none --user 1000:7 --read-only localhost/busybox sh -c 'id -u; id -g; touch /f 2>&1'  || true
$podman run -d --name back $none localhost/busybox sleep 100 >/dev/null
$podman exec back sh -c 'echo in $(id -u)'
$podman exec --user 1000 back id -u
$podman exec back no-such-program 2>/dev/null || echo "status $?"
$podman inspect --format '{{.State.Status}} {{.OCIRuntime}}' back
$podman kill back >/dev/null; $podman wait back
$podman rm back >/dev/null
$podman ps --all --quiet | wc -l`;

const needs = ['podman', 'overlay'] as const;

ordinaryUserTest('podman of an ordinary user with onggi-runtime', { needs }, async (user, place) => {
  assertBuilt();
  copyFileSync(await busyboxTar(), join(place, 'busybox.tar'));
  chmodSync(join(place, 'busybox.tar'), 0o644);
  const settings = join(user.home, '.config/containers');
  assert.equal(user.run(['mkdir', '-p', settings]).status, 0);
  writeFileSync(join(settings, 'containers.conf'), configuration);
  const runtime = join(user.dist, basename(runtimePath));
  const { status, stdout, stderr } = user.run(['sh', '-c', script, 'sh', runtime], around);
  assert.equal(status, 0, stderr + stdout);
  const seen = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/ +/g, ' '));
  assert.deepEqual(seen, [
    ...['0', `0 ${userId} 1`, `1 ${firstSubId} 65536`, '0:0'],
    ...['1000', '7', 'touch: /f: Read-only file system'],
    ...['in 0', '1000', 'status 127', `running ${runtime}`, '137', '0'],
  ]);
  assert.deepEqual(readdirSync(join(place, 'run/onggi-runtime')), []);
});
