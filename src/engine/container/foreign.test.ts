import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { withForeignHint } from './foreign.ts';

const platform = (architecture: string) => ({ os: 'linux', architecture, variant: null });

test('a program of another architecture: the error says what to install', () => {
  const error = new OnggiError('not-executable', 'exec: "sh": exec format error', { hint: 'usual' });
  const hinted = (image: string, handled = false) => {
    const result = withForeignHint(error, platform(image), platform('amd64'), () => handled);
    assert.ok(result instanceof OnggiError);
    assert.deepEqual([result.code, result.message], [error.code, error.message]);
    return result.hint ?? '';
  };
  assert.match(hinted('arm64'), /linux\/arm64.*linux\/amd64.*"qemu-aarch64".*install qemu-user-static/);
  for (const own of ['amd64', '386']) assert.equal(hinted(own), 'usual');
  assert.equal(hinted('arm64', true), 'usual', 'it is emulated');
  const other = new OnggiError('command-not-found', 'x');
  assert.equal(
    withForeignHint(other, platform('arm64'), platform('amd64'), () => false),
    other,
  );
});
