import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Spec } from '../../oci/runtime-spec.ts';
import { readSpec, writeSpec } from './file.ts';

const spec: Spec = {
  ociVersion: '1.2.0',
  process: {
    cwd: '/',
    user: { uid: 0, gid: 0 },
    args: ['true'],
    env: ['SECRET=x'],
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 18446744073709551614n, hard: 18446744073709551615n }],
  },
};

test('what is written is read, limits of 64 bits included; for its owner alone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-spec-'));
  using _ = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
  const path = join(directory, 'config.json');
  writeSpec(path, spec);
  assert.deepEqual(readSpec(path), spec);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  for (const text of ['', '{"ociVersion":', 'not JSON']) {
    writeFileSync(path, text);
    assert.throws(() => readSpec(path), { code: 'corrupt', message: /config\.json": not JSON$/ });
  }
  assert.throws(() => readSpec(join(directory, 'none')), { code: 'not-found', message: /^read ".*none"/ });
  assert.throws(() => writeSpec(join(directory, 'no/such'), spec), { code: 'not-found', message: /^write "/ });
});
