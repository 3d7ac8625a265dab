import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otherPorts } from './published.ts';

test('all that is exposed is published once, by a port that is free', () => {
  const named = [{ hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const }];
  assert.deepEqual(otherPorts(named, ['80/tcp', '80/udp', '443/tcp']), [
    { hostIp: '', hostPort: 0, containerPort: 80, protocol: 'udp' },
    { hostIp: '', hostPort: 0, containerPort: 443, protocol: 'tcp' },
  ]);
  assert.deepEqual(otherPorts(named, []), []);
  assert.throws(() => otherPorts([], ['9/sctp']), { code: 'unsupported', message: /publishing the port 9\/sctp/ });
});
