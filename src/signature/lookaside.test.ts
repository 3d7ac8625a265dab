import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { parseReference } from '../oci/reference.ts';
import { lookasideOf, parseLookasides, signaturePath } from './lookaside.ts';

test('the narrowest scope that names a place counts; what is written goes to staging', () => {
  const places = parseLookasides([
    ['default.yaml', 'default-docker:\n  sigstore-staging: file:///staging\n  use-sigstore-attachments: true\n'],
    [
      'more.yaml',
      [
        'docker:',
        '  registry.example:',
        '    lookaside: https://signed.example/x # the old name is sigstore',
        '  registry.example/team/app:',
        '    lookaside-staging: file:///team',
        '  "*.example.org": { sigstore: "file:///wild" }',
      ].join('\n'),
    ],
    ['empty.yaml', '# nothing\n'],
  ]);
  for (const [name, read, write] of [
    ['registry.example/team/app:1', 'https://signed.example/x', 'file:///team'],
    ['registry.example/other', 'https://signed.example/x', 'https://signed.example/x'],
    ['a.example.org/app', 'file:///wild', 'file:///wild'],
    ['alpine', null, 'file:///staging'],
  ] as const) {
    assert.equal(lookasideOf(places, parseReference(name), 'read'), read, name);
    assert.equal(lookasideOf(places, parseReference(name), 'write'), write, name);
  }
  assert.equal(
    signaturePath(parseReference('alpine'), sha256('x'), 2),
    `library/alpine@${sha256('x').replace(':', '=')}/signature-2`,
  );
});

test('what is not understood is refused, by file and field', () => {
  for (const [text, wanted] of [
    ['default-docker:\n  lookasides: file:///x\n', /"x.yaml": default-docker: field "lookasides" is not known/],
    ['default-docker:\n  lookaside: /x\n', /lookaside: no address with file, http or https/],
    ['docker: text\n', /docker: no mapping/],
    ['dockers:\n  x: y\n', /field "dockers" is not known/],
  ] as const) {
    assert.throws(() => parseLookasides([['x.yaml', text]]), { code: 'invalid', message: wanted });
  }
  const one = 'docker:\n  a.example: { lookaside: "file:///x" }\n';
  assert.throws(
    () =>
      parseLookasides([
        ['a.yaml', one],
        ['b.yaml', one],
      ]),
    /"b.yaml".*another file/,
  );
  const fallback = 'default-docker: { lookaside: "file:///x" }\n';
  assert.throws(
    () =>
      parseLookasides([
        ['a.yaml', fallback],
        ['b.yaml', fallback],
      ]),
    /"default-docker", which another/,
  );
});
