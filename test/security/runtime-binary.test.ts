/**
 * Class A: a container overwrites the program that runs it. The way there is /proc/PID/exe of a process of the runtime
 * inside the container, or the image having the runtime execute itself.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../harness/program.ts';
import { type Arena, attack, background, printed } from './arena.ts';

function digests({ programs }: Arena): string[] {
  return programs.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));
}

/** The runtime as the image's own command: by name, by link, by the interpreter of a script. */
const disguises: readonly (readonly string[])[] = [
  ['/proc/self/exe'],
  ['/proc/self/exe', '--check'],
  ['/bin/linked', 'x'],
  ['/bin/scripted', 'x'],
  ['/proc/thread-self/exe', 'x'],
];

function disguise(root: string): void {
  symlinkSync('/proc/self/exe', join(root, 'bin/linked'));
  writeFileSync(join(root, 'bin/scripted'), '#!/proc/self/exe --\n');
  chmodSync(join(root, 'bin/scripted'), 0o755);
}

attack('CVE-2019-5736: the runtime executes itself inside, and stays what it was', [], async (arena) => {
  const before = digests(arena);
  await arena.hostile(disguise);
  for (const args of disguises) {
    const outcome = await arena.run({ args });
    assert.notEqual(outcome.status, 0, args.join(' '));
  }
  assert.deepEqual(digests(arena), before);
});

/*
 * SYS_PTRACE is what it takes to look at /proc/PID/exe of a process that joins; `--check` and an open stdin keep the
 * runtime alive in the container for as long as the attacker wants. Writing becomes possible only when it has ended.
 */
for (const [who, capabilities] of [
  ['root of the container', []],
  ['with CAP_SYS_PTRACE', ['CAP_SYS_PTRACE']],
] as const) {
  attack(`CVE-2019-5736: an exec is lain in wait for, ${who}`, [], async (arena) => {
    const before = digests(arena);
    await arena.hostile(disguise);
    const inmate = await background(arena, { args: ['onggi-probe', 'overwrite-exe', '/end'], capabilities });
    await printed(inmate, 'waiting');
    const bait = inmate.startExec({ args: ['/proc/self/exe', '--check'] });
    // Not executed: the attacker holds the container's own program open for writing (ETXTBSY), which harms nobody but it.
    const executes = async (...args: string[]): Promise<boolean> => {
      const { status, stderr } = await inmate.exec({ args });
      // 137: the attacker, who is process 1, has ended at the sight of the file, and everybody with it.
      const executed = status === 0 || (args[0] === 'touch' && status === 137);
      assert.ok(executed || /text file busy/i.test(stderr), `${args.join(' ')}: ${status}: ${stderr}`);
      return executed;
    };
    for (let i = 0; i < 10; i += 1) await executes('true');
    await pause(100);
    bait.child.stdin?.end();
    assert.notEqual((await bait.outcome).status, 0);
    await pause(100);
    while (!(await executes('touch', '/end'))) await pause(20);
    await printed(inmate, 'done');
    const said = await inmate.printed();
    await inmate.remove();
    assert.match(said, /holds .*\n/, 'the attacker got hold of nothing: this proves nothing');
    assert.match(said, /refused Read-only file system|refused Operation not permitted/);
    assert.doesNotMatch(said, /WRITES/);
    assert.deepEqual(digests(arena), before);
  });
}
