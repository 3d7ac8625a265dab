/**
 * Class B: a descriptor of the host that leaks into the container, or a working directory outside of it, is a way out.
 */
import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../harness/program.ts';
import type { Report } from '../system/container-view.ts';
import { type Arena, attack, background, type ExecWish, printed } from './arena.ts';

/** A runtime has few descriptors; whoever leaks one leaks a small number. */
const highest = 24;
const numbers = Array.from({ length: highest }, (_, index) => index);

/** Reads a file of the host by a path that climbs from the working directory; says where it stands besides. */
function climb(secret: string): readonly string[] {
  const up = Array.from({ length: 12 }, (_, depth) => `${'../'.repeat(depth)}.${secret}`).join(' ');
  return ['sh', '-c', `pwd; cat ${up} 2>/dev/null; true`];
}

function secretIn(arena: Arena): string {
  const path = join(arena.scratch, 'secret');
  writeFileSync(path, 'SECRET OF THE HOST\n');
  return path;
}

/** Refused, or inside: never out. */
function assertInside({ status, stdout, stderr }: Outcome, what: string): void {
  assert.doesNotMatch(stdout + stderr, /SECRET/, what);
  if (status === 0) assert.match(stdout, /^\/(?!.*unreachable)/, `${what}: ${stdout}`);
}

attack('CVE-2024-21626: a working directory by a leaked descriptor', [], async (arena) => {
  const secret = secretIn(arena);
  await arena.hostile((root) => {
    for (const number of numbers) symlinkSync(`/proc/self/fd/${number}`, join(root, `fd${number}`));
    symlinkSync('/proc/1/cwd', join(root, 'cwd'));
    symlinkSync('/proc/1/root/..', join(root, 'outside'));
  });
  const args = climb(secret);
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
  const places = [
    ...numbers.flatMap((number) => [`/proc/self/fd/${number}`, `/fd${number}/..`]),
    '/cwd',
    '/outside',
    '/proc/self/fd/7/../../..',
    '/proc/self/cwd/../../..',
    '/proc/self/root/..',
  ];
  for (const cwd of places) assertInside(await inmate.exec({ args, cwd }), `exec in ${cwd}`);
  // A start is the same code in the init; the descriptors that a runtime had are among these.
  for (const cwd of ['/proc/self/fd/3', '/proc/self/fd/7', '/fd8/..', '/proc/self/fd/9', '/cwd', '/outside']) {
    assertInside(await arena.run({ args, cwd }), `start in ${cwd}`);
  }
  await inmate.remove();
});

/** "Attack 3": the program itself is looked up through the descriptor, and would be one of the host. */
attack('CVE-2024-21626: a command by a leaked descriptor', [], async (arena) => {
  const host = join(arena.scratch, 'host-program');
  writeFileSync(host, '#!/bin/busybox sh\necho SECRET\n', { mode: 0o755 });
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
  for (const number of numbers.filter((fd) => fd > 2)) {
    const args = [`/proc/self/fd/${number}/../../../../../../..${host}`];
    assertInside(await inmate.exec({ args }), `exec of ${args}`);
    if (number < 12) assertInside(await arena.run({ args }), `start of ${args}`);
  }
  await inmate.remove();
});

/** Descriptors that a process has besides its stdio. */
function besides(report: Report): string[] {
  return Object.entries(report.descriptors)
    .filter(([number]) => Number(number) > 2)
    .map(([number, target]) => `${number} -> ${target}`);
}

/** Targets that a stdio descriptor may have: pipes, terminals of the container, its own null device, a test's log. */
function strangeStdio(report: Report, log: string): string[] {
  return Object.values(report.descriptors).filter(
    (target) =>
      !/^(?:pipe:\[\d+\]|socket:\[\d+\]|\/dev\/(?:null|console|pts\/\d+))$/.test(target) && !target.endsWith(log),
  );
}

attack('a process has its stdio and no other descriptor, however it is started', [], async (arena) => {
  const probe = ['onggi-probe'];
  const inmate = await background(arena, { args: ['sh', '-c', 'onggi-probe; onggi-probe sleep'] });
  const execs: readonly Omit<ExecWish, 'args'>[] = [{}, { user: '1000:1000' }, { cwd: '/tmp' }];
  const outcomes = [await arena.run({ args: probe }), await arena.run({ args: probe, user: '1000:1000' })];
  for (const wish of execs) outcomes.push(await inmate.exec({ args: probe, ...wish }));
  for (const { status, stdout, stderr } of outcomes) {
    assert.equal(status, 0, stderr);
    assert.deepEqual(besides(JSON.parse(stdout)), []);
    assert.deepEqual(strangeStdio(JSON.parse(stdout), 'output'), []);
  }
  const [first = ''] = (await inmate.printed()).split('\n');
  assert.deepEqual(besides(JSON.parse(first)), []);
  await inmate.remove();
});

/**
 * Between joining and executing, a process of the runtime is in the container with descriptors of its own, and for a
 * moment with no more privileges than its neighbours.
 */
attack('what joins can not be looked at from inside', [], async (arena) => {
  const inmate = await background(arena, { args: ['sh', '-c', 'onggi-probe overwrite-exe /end; sleep 60'] });
  await printed(inmate, 'waiting');
  for (let i = 0; i < 20; i += 1) assert.equal((await inmate.exec({ args: ['true'] })).status, 0);
  assert.equal((await inmate.exec({ args: ['touch', '/end'] })).status, 0);
  await printed(inmate, 'done');
  const said = await inmate.printed();
  await inmate.remove();
  assert.equal(said.trim(), 'waiting\ndone');
});
