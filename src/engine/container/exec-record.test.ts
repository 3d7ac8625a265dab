import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Seccomp, Spec } from '../../oci/runtime-spec.ts';
import { writeSpec } from '../spec/file.ts';
import type { Container } from './container.ts';
import { readExecRecord } from './exec-record.ts';
import { makeExecRecord } from './exec-record-file.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'onggi-exec-record-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

function containerWith(seccomp: Seccomp): Container {
  const files = { config: join(scratch, 'config.json'), exec: join(scratch, 'exec.json') };
  const spec: Spec = {
    ociVersion: '1.0.0',
    process: {
      cwd: '/',
      args: ['true'],
      user: { uid: 0, gid: 0 },
      rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709551615n }],
    },
    linux: { namespaces: [{ type: 'user' }], seccomp },
  };
  writeSpec(files.config, spec);
  return { row: { id: 'a'.repeat(64) }, files } as unknown as Container;
}

const denying: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_ERRNO' }],
};

test('the next exec of the same start reads what the first one has made', () => {
  const container = containerWith(denying);
  const made = makeExecRecord(container, 'one', 7);
  assert.equal(made.users, true);
  assert.equal(made.filter.length, 1);
  assert.deepEqual(readExecRecord(container.files.exec, 'one'), made);
  assert.deepEqual(readdirSync(scratch).sort(), ['config.json', 'exec.json']);
});

test('that of another start, of another format and half of one are none', () => {
  const container = containerWith(denying);
  const path = container.files.exec;
  assert.equal(readExecRecord(path, 'one'), undefined);
  makeExecRecord(container, 'one', 7);
  assert.equal(readExecRecord(path, 'two'), undefined);
  const text = readFileSync(path, 'utf8');
  for (const content of [text.slice(0, 90), '', 'null', text.replace('"format":1', '"format":9')]) {
    writeFileSync(path, content);
    assert.equal(readExecRecord(path, 'one'), undefined);
  }
});

test('a filter with an agent is not kept: the agent is told of each process', () => {
  const container = containerWith({
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: '/run/agent',
    syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
  });
  assert.equal(makeExecRecord(container, 'one', 7).filter.length, 1);
  assert.equal(existsSync(container.files.exec), false);
});

test('where it can not be written, exec goes on without', () => {
  const container = containerWith(denying);
  const files = { ...container.files, exec: join(scratch, 'missing', 'exec.json') };
  assert.equal(makeExecRecord({ ...container, files }, 'one', 7).filter.length, 1);
});
