import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalName } from '../oci/reference.ts';
import { candidatesOf } from './short-name.ts';
import { failsWith } from './testing.ts';

const config = { search: ['quay.io', 'docker.io'], aliases: { tool: 'r.example:5000/team/tool' } };
const digest = `sha256:${'0'.repeat(64)}`;

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['alpine', ['quay.io/alpine:latest', 'docker.io/library/alpine:latest']],
  ['team/app:1', ['quay.io/team/app:1', 'docker.io/team/app:1']],
  [`alpine@${digest}`, [`quay.io/alpine@${digest}`, `docker.io/library/alpine@${digest}`]],
  ['tool', ['r.example:5000/team/tool:latest']],
  ['tool:2', ['r.example:5000/team/tool:2']],
  [`tool@${digest}`, [`r.example:5000/team/tool@${digest}`]],
  ['docker.io/alpine', ['docker.io/library/alpine:latest']],
  ['localhost/alpine', ['localhost/alpine:latest']],
  ['[::1]:5000/alpine', ['[::1]:5000/alpine:latest']],
];
for (const [text, expected] of cases) {
  test(`"${text}" may be ${expected.join(' or ')}`, () => {
    assert.deepEqual(candidatesOf(text, config).map(canonicalName), expected);
  });
}

test('without a search list names are those of Docker, aliases or not', () => {
  const none = { ...config, search: [] };
  assert.deepEqual(candidatesOf('tool', none).map(canonicalName), ['docker.io/library/tool:latest']);
  assert.throws(() => candidatesOf('Not A Name', config), failsWith('invalid'));
});
