import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostsFile, resolverFile } from './resolver.ts';

const cases: readonly (readonly [string, string, string | undefined, string, boolean])[] = [
  ['a plain file', 'search a b\nnameserver 192.0.2.1\n', undefined, 'nameserver 192.0.2.1\nsearch a b\n', false],
  [
    'comments, blank lines and what a container cannot reach are left out',
    '# made by hand\n\n; old\nnameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\n  nameserver 192.0.2.2 # second\noptions ndots:2\n',
    undefined,
    'nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:2\n',
    false,
  ],
  [
    'a local resolver is replaced by those that it asks',
    'nameserver 127.0.0.53\noptions edns0\nsearch .\n',
    'nameserver 192.0.2.7\nsearch lan\n',
    'nameserver 192.0.2.7\nsearch lan\n',
    false,
  ],
  [
    'a server of the host counts more than systemd-resolved',
    'nameserver 192.0.2.1\n',
    'nameserver 192.0.2.7\n',
    'nameserver 192.0.2.1\n',
    false,
  ],
  ['no server at all', '', undefined, 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n', true],
  [
    'only a local resolver, and nothing known behind it',
    'nameserver 127.0.0.1\nsearch lan\n',
    undefined,
    'nameserver 8.8.8.8\nnameserver 8.8.4.4\nsearch lan\n',
    true,
  ],
  ['only IPv6', 'nameserver 2001:db8::1\n', undefined, 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n', true],
];

for (const [what, host, resolved, content, fallback] of cases) {
  test(`resolv.conf: ${what}`, () => assert.deepEqual(resolverFile(host, resolved), { content, fallback }));
}

test('hosts: the standard lines, then the container', () => {
  const standard = hostsFile('web', '', null);
  assert.match(standard, /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost /);
  assert.equal(hostsFile('web', '', '10.88.0.2'), `${standard}10.88.0.2\tweb\n`);
  assert.equal(hostsFile('web', 'example.org', '10.88.0.2'), `${standard}10.88.0.2\tweb.example.org web\n`);
  assert.equal(hostsFile('web.example.org', '', '10.88.0.2'), `${standard}10.88.0.2\tweb.example.org web\n`);
  assert.equal(hostsFile('web', '', '10.88.0.2', '1.2.3.4\tdb\n'), `${standard}1.2.3.4\tdb\n10.88.0.2\tweb\n`);
});
