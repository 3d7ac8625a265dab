import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { InitStep } from '../../src/runtime/plan/steps.ts';
import { requires } from '../harness/requires.ts';
import {
  capabilitySets,
  defaultCapabilities,
  follow,
  identity,
  inPlace,
  type Place,
  type Told,
} from './shim-container.ts';

const needs = requires('root');

type Report = {
  readonly uids: number[];
  readonly gids: number[];
  readonly groups: number[];
  readonly env: string[];
  readonly [set: string]: unknown;
};

async function runAs(place: Place, who: InitStep, env: readonly string[] = ['PATH=/bin']): Promise<Told> {
  place.launch(place.plan({ argv: ['onggi-probe'], identity: who, env }));
  return await follow(await place.connect());
}

async function report(place: Place, who: InitStep, env?: readonly string[]): Promise<Report> {
  const told = await runAs(place, who, env);
  assert.equal(told.exit.exitCode, 0, inspect(told.events));
  return JSON.parse(told.stdout) as Report;
}

function as(user: string, group: string | null = null, additionalGroups: readonly string[] = []): InitStep {
  return { op: 'identity', user, group, additionalGroups, primaryGroup: true, capabilities: capabilitySets(0n) };
}

const nul = '0000000000000000';
const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');

test('users and groups are those of the container', needs, async () => {
  await inPlace(async (place) => {
    writeFileSync(
      join(place.root, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n2000:x:0:0::/root:/bin/sh\nwrap:x:4294967296:0::/:\nempty:x::0::/:\n',
    );
    writeFileSync(join(place.root, 'etc/group'), 'root:x:0:root\nstaff:x:50:app,x\nlast:x:51:x,app\nodd:x:-1:app\n');
    const cases: readonly [InitStep, number, number, number[], string][] = [
      [as('root'), 0, 0, [0], '/root'],
      [as('app'), 1000, 1001, [1001, 50, 51], '/home/app'],
      [as('1000'), 1000, 1001, [1001, 50, 51], '/home/app'],
      [as('app', 'staff'), 1000, 50, [50], '/home/app'],
      [as('app', '7'), 1000, 7, [7], '/home/app'],
      [as('app', null, ['9', 'root']), 1000, 1001, [1001, 50, 51, 9, 0], '/home/app'],
      // Digits are a number, whatever the image calls its users.
      [as('2000'), 2000, 0, [0], '/'],
      [as('2147483647'), 2147483647, 0, [0], '/'],
    ];
    for (const [who, uid, gid, groups, home] of cases) {
      const seen = await report(place, who);
      assert.deepEqual(seen.uids, [uid, uid, uid]);
      assert.deepEqual(seen.gids, [gid, gid, gid]);
      assert.deepEqual(seen.groups.toSorted(), groups.toSorted());
      assert.ok(seen.env.includes(`HOME=${home}`), seen.env.join(' '));
    }
    assert.ok((await report(place, as('app'), ['PATH=/bin', 'HOME=/mine'])).env.includes('HOME=/mine'));
    const refused: readonly [InitStep, number][] = [
      [as('nobody'), 2],
      [as('2147483648'), 34],
      [as('4294967296'), 34],
      [as('99999999999999999999'), 34],
      [as('-1'), 2],
      [as('wrap'), 34],
      [as('empty'), 22],
      [as('app', 'none'), 2],
      [as('app', '4294967295'), 34],
      [as('app', 'odd'), 22],
    ];
    for (const [who, errno] of refused) {
      const told = await runAs(place, who);
      assert.equal(told.fail().errno, errno, told.fail().text);
      assert.equal(told.exit.exitCode, 125);
      assert.equal(told.stdout, '');
    }
  });
});

test('account files that are traps are refused', needs, async () => {
  await inPlace(async (place) => {
    const passwd = join(place.root, 'etc/passwd');
    const traps: readonly [string, () => void, number][] = [
      ['a pipe', () => assert.equal(spawnSync('mkfifo', [passwd]).status, 0), 22],
      ['a device', () => assert.equal(spawnSync('mknod', [passwd, 'c', '1', '5']).status, 0), 22],
      ['endless', () => symlinkSync('/dev/zero', passwd), 22],
      ['one endless line', () => writeFileSync(passwd, 'x'.repeat(1 << 20)), 27],
      ['larger than 10 MiB', () => writeFileSync(passwd, 'a:b:c:d\n'.repeat(2 << 20)), 27],
      ['a loop', () => symlinkSync('passwd', passwd), 40],
    ];
    for (const [what, lay, errno] of traps) {
      rmSync(passwd);
      lay();
      const told = await runAs(place, as('app'));
      assert.equal(told.fail().errno, errno, what);
    }
    // What is too large is said, and ids that are both given need no file; one that is not might get a group that it must not have.
    rmSync(passwd);
    writeFileSync(passwd, 'a:b:c:d\n'.repeat(2 << 20));
    for (const user of ['app', '1000']) {
      const { errno, text } = (await runAs(place, as(user))).fail();
      assert.deepEqual([errno, /\/etc\/passwd, which has more than 10 MiB/.test(text)], [27, true], text);
    }
    assert.deepEqual((await report(place, as('1000', '50'))).gids, [50, 50, 50]);
    // A link to the host's file means the container's own file of that name.
    rmSync(passwd);
    symlinkSync('../../../../../../etc/other', passwd);
    writeFileSync(join(place.root, 'etc/other'), 'app:x:77:77::/:\n');
    assert.deepEqual((await report(place, as('app'))).uids, [77, 77, 77]);
  });
});

test('all five capability sets are exactly what was asked', needs, async () => {
  await inPlace(async (place) => {
    const cases: readonly [InitStep, Record<string, string>][] = [
      [
        identity('0'),
        {
          bounding: hex(defaultCapabilities),
          permitted: hex(defaultCapabilities),
          effective: hex(defaultCapabilities),
          inheritable: nul,
          ambient: nul,
        },
      ],
      // Another user loses what it holds with exec; the bounding set stays.
      [
        identity('1000'),
        { bounding: hex(defaultCapabilities), permitted: nul, effective: nul, inheritable: nul, ambient: nul },
      ],
      [identity('0', 0n), { bounding: nul, permitted: nul, effective: nul, inheritable: nul, ambient: nul }],
      [
        {
          op: 'identity',
          user: '1000',
          group: null,
          additionalGroups: [],
          primaryGroup: true,
          capabilities: {
            bounding: 0x400n,
            effective: 0x400n,
            permitted: 0x400n,
            inheritable: 0x400n,
            ambient: 0x400n,
          },
        },
        {
          bounding: hex(0x400n),
          permitted: hex(0x400n),
          effective: hex(0x400n),
          inheritable: hex(0x400n),
          ambient: hex(0x400n),
        },
      ],
    ];
    for (const [who, sets] of cases) {
      const seen = await report(place, who);
      for (const [name, bits] of Object.entries(sets)) assert.equal(seen[name], bits, name);
    }
    // More than the caller has is refused, never quietly less.
    const told = await runAs(place, identity('0', 1n << 63n));
    assert.equal(told.fail().errno, 1);
  });
});

test('the pipes of stdio belong to the user', needs, async () => {
  await inPlace(async (place) => {
    place.launch(
      place.plan({
        argv: ['sh', '-c', 'echo a > /proc/self/fd/1; echo b > /proc/self/fd/2; cat < /proc/self/fd/0'],
        identity: as('app'),
        shim: { stdin: true },
      }),
    );
    const client = await place.connect({ stdin: true, stdout: true, stderr: true, reconciles: true });
    const told = await follow(client, async (event) => {
      if (event.type !== 'status' || event.state !== 'running') return;
      await client.write(Buffer.from('c\n'));
      client.closeStdin();
    });
    assert.equal(told.stdout, 'a\nc\n');
    assert.equal(told.stderr, 'b\n');
  });
});
