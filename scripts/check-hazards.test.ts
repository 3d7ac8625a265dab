import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findHazards, withoutComments } from './hazard-rules.ts';
import { hazards } from './hazard-table.ts';

/** Rules that a line breaks in a file of that name. */
function broken(file: string, text: string): readonly string[] {
  return findHazards(new Map([[file, text]]), hazards)
    .filter(({ line }) => line > 0)
    .map(({ rule }) => rule);
}

const forbidden: readonly (readonly [string, string, RegExp])[] = [
  ['native/shim/new.c', 'system("ls");', /no shell/],
  ['native/shim/new.c', 'execvp(name, arguments);', /no shell/],
  ['native/shim/new.c', 'execve(path, arguments, environ);', /few places/],
  ['native/shim/new.c', 'execve("/proc/self/exe", arguments, environ);', /CVE-2019-5736/],
  ['src/engine/new.ts', "spawn('/proc/self/exe', []);", /CVE-2019-5736/],
  ['native/shim/new.c', 'int fd = open(path, O_RDONLY);', /closed by exec/],
  ['native/shim/new.c', 'int fd = socket(AF_UNIX,\n    SOCK_STREAM, 0);', /closed by exec/],
  ['native/shim/new.c', 'int fd = accept(listener, NULL, NULL);', /successors/],
  ['native/shim/new.c', 'FILE *file = fopen(path, "r");', /successors/],
  ['native/step/step-new.c', 'int fd = (int)SYS(open(path, O_PATH | O_CLOEXEC));', /path\.h/],
  ['native/step/step-new.c', 'result = mkdir(path, 0755);', /path\.h/],
  ['native/step/step-new.c', 'result = mkdirat(AT_FDCWD, path, 0755);', /path\.h/],
  ['native/step/step-root.c', 'result = sys_umount(path, 0);', /path\.h/],
  ['native/shim/new.c', 'int fd = sys_openat2(root, path, O_CLOEXEC, 0, 0);', /openat2/],
  ['native/shim/new.c', 'fchmodat(at, name, 0755, 0);', /through a link/],
  ['native/shim/new.c', 'strcpy(to, from);', /size/],
  ['native/shim/new.c', "address.sun_path[0] = '\\0';", /abstract/],
  ['src/engine/new.ts', "execSync('ls ' + path);", /no shell/],
  ['src/engine/new.ts', "spawn('ls', { shell: true });", /no shell/],
  ['src/engine/new.ts', "import { spawn } from 'node:child_process';", /few places/],
  ['src/engine/new.ts', 'eval(text);', /no code from text/],
];

for (const [file, text, rule] of forbidden) {
  test(`${file}: ${text.replace('\n', ' ')}`, () => {
    assert.ok(
      broken(file, text).some((found) => rule.test(found)),
      String(broken(file, text)),
    );
  });
}

const allowed: readonly (readonly [string, string])[] = [
  ['native/shim/new.c', '/* like system("x") */ int fd = open(path, O_RDONLY | O_CLOEXEC);'],
  ['native/shim/new.c', 'int fd = (int)SYS(openat(at, name, O_RDONLY |\n    O_DIRECTORY | O_CLOEXEC));'],
  ['native/step/step-new.c', 'scoped_fd fd = root_make(init->root, path, 0755, false);'],
  ['native/step/step-new.c', 'result = (int)SYS(mkdirat(parent, name, mode));'],
  ['native/probe/probe-new.c', 'system("ls");'],
  ['src/engine/new.ts', "await container.exec('ls'); // execSync"],
  ['src/engine/new.test.ts', "import { spawn } from 'node:child_process';"],
];

for (const [file, text] of allowed) {
  test(`allowed in ${file}: ${text.replace('\n', ' ')}`, () => assert.deepEqual(broken(file, text), []));
}

test('an exception that nothing needs is a finding', () => {
  const rule = { rule: 'no x', files: /./, pattern: /x\(/, exceptions: [{ file: 'a.c', text: 'x(1)', why: 'one' }] };
  assert.deepEqual(findHazards(new Map([['a.c', 'x(1);']]), [rule]), []);
  assert.equal(findHazards(new Map([['a.c', 'x(2);']]), [rule]).length, 2);
});

test('comments are taken out, strings and line numbers stay', () => {
  assert.equal(withoutComments('a /* b\n c */ "/* d */" // e\nf'), 'a     \n      "/* d */"     \nf');
});
