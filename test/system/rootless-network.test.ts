/** The network of an ordinary user's containers, by pasta. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import type { OrdinaryUser } from '../harness/ordinary-user.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';
import { run } from '../harness/program.ts';

/** What the script prints, line by line; it runs in a network of its own, and `server` is a container that serves "hi". */
async function scriptOutput(user: OrdinaryUser, place: string, script: string, route = true): Promise<string[]> {
  cpSync(await busyboxTar(), join(place, 'busybox.tar'));
  chmodSync(join(place, 'busybox.tar'), 0o644);
  const lines = `set -e; PATH=$1:$PATH
    get() { python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=3).read().decode().strip())' $1 2>&1; }
    # pasta takes a connection before the server in the container listens.
    got() { for try in $(seq 100); do get $1 >/dev/null && break; sleep 0.1; done; get $1; }
    onggi import ../busybox.tar busybox >/dev/null
    trap 'onggi ps --quiet | xargs -r onggi rm --force >/dev/null' EXIT
    serve='mkdir -p /www; echo hi >/www/index.html; exec httpd -f -p 80 -h /www'
    pastas() { cat /proc/[0-9]*/stat 2>/dev/null | awk '$2 ~ /^\\(pas/ && $3 != "Z"' | wc -l; }
    ${script}`;
  const { status, stdout, stderr } = user.runApart(['sh', '-c', lines, 'sh', user.dist], route);
  assert.equal(status, 0, stderr + stdout);
  return stdout.trim().split('\n');
}

const needs = ['overlay', 'pasta', 'ip', 'veth', 'python3'] as const;

ordinaryUserTest(
  'ports are published where they were asked for, and closed at the end',
  { needs },
  async (user, place) => {
    const seen = await scriptOutput(
      user,
      place,
      `onggi run -d --name server -p 127.0.0.1:8080:80 -p 198.51.100.2:8081:80 busybox sh -c "$serve" >/dev/null
    got http://127.0.0.1:8080/; get http://198.51.100.2:8081/
    get http://127.0.0.1:8081/ >/dev/null && echo everywhere || echo refused
    onggi ps --format '{{.Ports}}'
    onggi run --rm -p 8080:80 busybox true 2>&1 | head -n 1
    pastas; onggi stop --time 0 server >/dev/null; pastas
    get http://127.0.0.1:8080/ >/dev/null && echo open || echo closed
    onggi start server >/dev/null; got http://127.0.0.1:8080/`,
    );
    const taken = 'onggi: Bind for 0.0.0.0:8080 failed: port is already allocated';
    const ports = '127.0.0.1:8080->80/tcp, 198.51.100.2:8081->80/tcp';
    assert.deepEqual(seen, ['hi', 'hi', 'refused', ports, taken, '1', '0', 'closed', 'hi']);
  },
);

ordinaryUserTest(
  'ports of all addresses are published by IPv6, too',
  { needs: [...needs, 'ipv6'] },
  async (user, place) => {
    const seen = await scriptOutput(
      user,
      place,
      `onggi run -d --name server -p 8080:80 busybox sh -c "$serve" >/dev/null
    got http://127.0.0.1:8080/; get 'http://[::1]:8080/'
    onggi ps --format '{{.Ports}}'
    onggi rm -f server >/dev/null
    get 'http://[::1]:8080/' >/dev/null && echo open || echo closed`,
    );
    assert.deepEqual(seen, ['hi', 'hi', '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp', 'closed']);
  },
);

ordinaryUserTest(
  'a container has a route and no way to the loopback of the machine',
  { needs },
  async (user, place) => {
    const seen = await scriptOutput(
      user,
      place,
      `mkdir www; echo secret >www/index.html; busybox httpd -p 127.0.0.1:9090 -h www
    got http://127.0.0.1:9090/
    look='ip -o -4 addr show eth0 | grep -o "inet [0-9./]*"; ip route | head -n 1; cat /etc/resolv.conf | head -n 1
      for at in 127.0.0.1 198.51.100.1 198.51.100.2; do
        wget -T 1 -qO- http://$at:9090/ 2>/dev/null || echo unreachable
      done'
    onggi run --rm busybox sh -c "$look"
    pastas; kill $(cat /proc/[0-9]*/stat | awk '$2 == "(busybox)" || $2 == "(httpd)" { print $1 }') 2>/dev/null || true`,
    );
    const unreachable = ['unreachable', 'unreachable', 'unreachable'];
    const route = 'default via 198.51.100.1 dev eth0';
    assert.deepEqual(
      seen.map((line) => line.trim()),
      ['secret', 'inet 198.51.100.2/24', route, 'nameserver 169.254.1.1', ...unreachable, '0'],
    );
  },
);

ordinaryUserTest('a killed shim leaves no pasta once somebody looks', { needs }, async (user, place) => {
  const seen = await scriptOutput(
    user,
    place,
    `onggi run -d --name server busybox sleep 60 >/dev/null
    shim=$(awk '{ print $4 }' /proc/$(onggi inspect --format '{{.State.Pid}}' server)/stat)
    pastas; kill -9 $shim; onggi ps --quiet --all | wc -l; onggi ps --quiet | wc -l; pastas
    onggi rm server >/dev/null`,
  );
  assert.deepEqual(seen, ['1', '1', '0', '0']);
});

ordinaryUserTest('without a route out pasta fails, in words, and nothing is left', { needs }, async (user, place) => {
  const script = `onggi run --rm --network none busybox echo none
    onggi run --rm busybox true 2>&1 || echo "status $?"
    onggi ps --all --quiet | wc -l`;
  const seen = await scriptOutput(user, place, script, false);
  assert.equal(seen[0], 'none');
  assert.match(seen[1] ?? '', /connect the container to the network: pasta: /);
  assert.deepEqual(seen.slice(-2), ['status 125', '0']);
});

ordinaryUserTest('a device for links that is root’s alone is named', { needs }, async (user, place) => {
  const device = join(place, 'tun');
  assert.equal((await run('mknod', ['-m', '600', device, 'c', '10', '200'])).status, 0);
  assert.equal((await run('mount', ['--bind', device, '/dev/net/tun'])).status, 0);
  try {
    const seen = await scriptOutput(user, place, `onggi run --rm busybox true 2>&1 || echo "status $?"`);
    assert.match(seen.join('\n'), /as root: chmod 666 \/dev\/net\/tun\. Use --network none/);
    assert.equal(seen.at(-1), 'status 125');
  } finally {
    assert.equal((await run('umount', ['/dev/net/tun'])).status, 0);
  }
});
