import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { changeResctrl, joinResctrl, makeResctrl, planIn, removeResctrl, resctrlRoot } from './resctrl.ts';

/** A tree as resctrl has it: a class "gold", and what the kernel tells of itself. */
function inTree(body: (root: string) => void, monitors = true): void {
  const root = mkdtempSync(join(tmpdir(), 'onggi-resctrl-'));
  try {
    mkdirSync(join(root, 'info'));
    if (monitors) mkdirSync(join(root, 'info/L3_MON'));
    mkdirSync(join(root, 'gold/mon_groups'), { recursive: true });
    writeFileSync(join(root, 'gold/schemata'), '    MB:0= 70;1= 20\n    L3:0=00ff;1=000f\n');
    body(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const fails = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof OnggiError && error.code === code && message.test(error.message);

test('resctrl is found where it is mounted as a whole', () => {
  const line = (type: string, from = '/') => `30 20 0:26 ${from} /sys/fs/res\\040ctrl rw,relatime - ${type} none rw\n`;
  assert.equal(resctrlRoot(`${line('sysfs')}${line('resctrl')}`), '/sys/fs/res ctrl');
  assert.equal(resctrlRoot(line('resctrl', '/gold')), undefined);
  assert.equal(resctrlRoot(line('sysfs')), undefined);
});

test('a container without closID gets a class of its name, with the lines in their order', () => {
  inTree((root) => {
    const plan = planIn(
      root,
      { l3CacheSchema: 'L3:0=f\nMB:0=1', memBwSchema: 'MB:0=20', schemata: ['L3:0=7'], enableMonitoring: true },
      'c1',
    );
    assert.deepEqual(plan.kept, { directory: `${root}/c1`, made: true, monitor: null });
    makeResctrl(plan);
    assert.equal(readFileSync(`${root}/c1/schemata`, 'utf8'), 'L3:0=f\nMB:0=20\nL3:0=7\n');
    joinResctrl(plan.kept, 77);
    assert.equal(readFileSync(`${root}/c1/tasks`, 'utf8'), '77\n');
    // Files of the kernel go with their directory.
    for (const file of ['schemata', 'tasks']) rmSync(`${root}/c1/${file}`);
    removeResctrl(plan.kept);
    assert.equal(existsSync(`${root}/c1`), false);
    removeResctrl(plan.kept);
  });
});

test('a class that is there is shared and never changed', () => {
  inTree((root) => {
    const same = planIn(root, { closID: 'gold', l3CacheSchema: 'L3:0=ff;1=f', memBwSchema: 'MB:0=70;1=20' }, 'c1');
    assert.deepEqual(same, { kept: { directory: `${root}/gold`, made: false, monitor: null }, lines: [] });
    assert.throws(() => planIn(root, { closID: 'gold', l3CacheSchema: 'L3:0=1' }, 'c1'), fails('conflict', /L3:0=1/));
    const plan = planIn(root, { closID: 'gold', enableCMT: true }, 'c1');
    makeResctrl(plan);
    joinResctrl(plan.kept, 5);
    assert.equal(readFileSync(`${root}/gold/tasks`, 'utf8'), '5\n');
    assert.equal(readFileSync(`${root}/gold/mon_groups/c1/tasks`, 'utf8'), '5\n');
    rmSync(`${root}/gold/mon_groups/c1/tasks`);
    removeResctrl(plan.kept);
    assert.deepEqual([existsSync(`${root}/gold/mon_groups/c1`), existsSync(`${root}/gold`)], [false, true]);
  });
});

test('what can not be had is refused by name', () => {
  inTree((root) => {
    assert.throws(() => planIn(root, { closID: 'silver' }, 'c1'), fails('not-found', /closID.*"silver"/));
    assert.equal(planIn(root, { closID: 'silver', memBwSchema: 'MB:0=10' }, 'c1').kept.made, true);
    for (const closID of ['info', '..', 'a/b', 'mon_groups']) {
      assert.throws(() => planIn(root, { closID }, 'c1'), fails('invalid', /closID/));
    }
    assert.throws(() => planIn(root, { memBwSchema: 'L3:0=f' }, 'c1'), fails('invalid', /memBwSchema/));
    assert.throws(() => planIn(root, { enableMBM: true }, 'c1'), fails('unsupported', /monitors/));
  }, false);
});

test("a container's own class gets other lines, one that others use does not", () => {
  inTree((root) => {
    const { kept } = planIn(root, { memBwSchema: 'MB:0=20' }, 'c1');
    makeResctrl({ kept, lines: ['MB:0=20'] });
    changeResctrl(kept, { l3CacheSchema: 'L3:0=3', memBwSchema: 'MB:0=50' });
    assert.equal(readFileSync(join(root, 'c1/schemata'), 'utf8'), 'L3:0=3\nMB:0=50\n');
    assert.throws(() => changeResctrl(kept, { memBwSchema: 'L3:0=3' }), fails('invalid', /does not begin with "MB:"/));
    const shared = planIn(root, { closID: 'gold' }, 'c1').kept;
    assert.throws(() => changeResctrl(shared, { memBwSchema: 'MB:0=1' }), fails('conflict', /not the container's own/));
  });
});
