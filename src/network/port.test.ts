import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFree, choosePort, collides, formatHostPort, type HostPort, parsePortRange } from './port.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

function port(text: string): HostPort {
  const [, hostIp = '', number = '', protocol] = /^(.*):(\d+)\/(tcp|udp)$/.exec(text) ?? [];
  return { hostIp, hostPort: Number(number), protocol: protocol === 'udp' ? 'udp' : 'tcp' };
}

for (const [one, other, expected] of [
  ['0.0.0.0:80/tcp', '0.0.0.0:80/tcp', true],
  ['0.0.0.0:80/tcp', '127.0.0.1:80/tcp', true],
  ['127.0.0.1:80/tcp', '127.0.0.1:80/tcp', true],
  ['127.0.0.1:80/tcp', '127.0.0.2:80/tcp', false],
  ['0.0.0.0:80/tcp', '0.0.0.0:80/udp', false],
  ['0.0.0.0:80/tcp', '0.0.0.0:81/tcp', false],
] as const) {
  test(`${one} and ${other} ${expected ? 'collide' : 'go together'}`, () => {
    assert.equal(collides(port(one), port(other)), expected);
    assert.equal(collides(port(other), port(one)), expected);
    assert.equal(formatHostPort(port(one)), one);
  });
}

test('a taken port is refused in the words of Docker', () => {
  const taken = [port('127.0.0.1:8080/tcp')];
  checkFree(port('0.0.0.0:8081/tcp'), taken);
  assert.throws(() => checkFree(port('0.0.0.0:8080/tcp'), taken), {
    code: 'conflict',
    message: 'Bind for 0.0.0.0:8080 failed: port is already allocated',
  });
});

test('a free port is searched from a random place, around the range', () => {
  const range = { low: 100, high: 103 };
  const wanted = { hostIp: '0.0.0.0', protocol: 'tcp' } as const;
  const taken = [port('127.0.0.1:103/tcp'), port('0.0.0.0:101/udp')];
  const choose = (random: number, isFree: (port: HostPort) => boolean): number =>
    choosePort(wanted, range, taken, isFree, random);
  assert.equal(
    choose(0, () => true),
    100,
  );
  assert.equal(
    choose(0.25, () => true),
    101,
  );
  assert.equal(
    choose(0.75, () => true),
    100,
  );
  assert.equal(
    choose(0.999, ({ hostPort }) => hostPort === 102),
    102,
  );
  assert.throws(() => choose(0, () => false), code('exhausted'));
});

test('a port that a container has is not asked for', () => {
  const asked: number[] = [];
  const isFree = ({ hostPort }: HostPort): boolean => {
    asked.push(hostPort);
    return true;
  };
  choosePort({ hostIp: '0.0.0.0', protocol: 'tcp' }, { low: 5, high: 9 }, [port('0.0.0.0:5/tcp')], isFree, 0);
  assert.deepEqual(asked, [6]);
});

test('the range of the kernel', () => {
  assert.deepEqual(parsePortRange('32768\t60999\n'), { low: 32768, high: 60999 });
  for (const text of ['', '5', '9 5', '0 10', '1 70000', 'a b']) {
    assert.throws(() => parsePortRange(text), code('corrupt'), text);
  }
});
