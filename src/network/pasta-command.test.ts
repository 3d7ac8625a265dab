import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pastaCommand } from './pasta-command.ts';

const ports = [
  { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
  { hostIp: '127.0.0.1', hostPort: 8443, containerPort: 443, protocol: 'tcp' },
] as const;

test('published ports by protocol, and nothing that was not asked for', () => {
  const words = pastaCommand(42, '/s/pid', ports).join(' ');
  assert.match(words, / --tcp-ports 0\.0\.0\.0\/8080:80 --tcp-ports 127\.0\.0\.1\/8443:443 --udp-ports none 42$/);
  assert.match(pastaCommand(42, '/s/pid', []).join(' '), / --tcp-ports none --udp-ports none 42$/);
  const udp = pastaCommand(42, '/s/pid', [{ ...ports[0], protocol: 'udp' }]).join(' ');
  assert.match(udp, / --tcp-ports none --udp-ports 0\.0\.0\.0\/8080:80 42$/);
});

test('the loopback of the machine is not to be reached', () => {
  const words = pastaCommand(42, '/s/pid', ports).join(' ');
  for (const guard of ['--no-map-gw', '--tcp-ns none', '--udp-ns none']) assert.ok(words.includes(guard), guard);
});
