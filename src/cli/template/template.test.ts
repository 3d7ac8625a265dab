import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { compileTemplate } from './template.ts';

type Case = { readonly template: string; readonly output?: string; readonly fails?: true };

/** What Go 1.26's text/template makes of each template with Docker's functions added and missing keys refused. */
const golden = JSON.parse(readFileSync(new URL('testdata/go.json', import.meta.url), 'utf8')) as {
  readonly data: unknown;
  readonly cases: readonly Case[];
};

test('templates give what Go gives', async (t) => {
  for (const { template, output, fails } of golden.cases) {
    await t.test(JSON.stringify(template), () => {
      if (fails === true) assert.throws(() => compileTemplate(template)(golden.data), OnggiError);
      else assert.equal(compileTemplate(template)(golden.data), output);
    });
  }
});

function failure(template: string, data: unknown = {}): OnggiError {
  try {
    compileTemplate(template)(data);
  } catch (error) {
    if (error instanceof OnggiError) return error;
    throw error;
  }
  throw new Error(`${template} did not fail`);
}

test('messages name what is wrong', () => {
  const cases: readonly [string, string][] = [
    ['{{.ID', 'template parsing error: unclosed action'],
    ['{{foo .ID}}', 'template parsing error: function "foo" not defined'],
    ['{{.Foo}}', 'template parsing error: map has no entry for key "Foo"'],
    ['{{if .A}}', 'template parsing error: unexpected EOF'],
    ['{{end}}', 'template parsing error: unexpected {{end}}'],
    ['{{$x}}', 'template parsing error: undefined variable "$x"'],
    ['{{.A.B}}', "template parsing error: can't evaluate field B in text"],
    ['{{.A "x"}}', 'template parsing error: .A has arguments but cannot be invoked as function'],
    ['{{"abc}}', 'template parsing error: unterminated quoted string'],
  ];
  for (const [template, message] of cases) assert.equal(failure(template, { A: 'text' }).message, message);
});

test('what is not there is refused by name', () => {
  for (const action of ['define "x"', 'template "x"', 'block "x" .']) {
    const error = failure(`{{${action}}}{{end}}`);
    assert.equal(error.code, 'unsupported');
    assert.match(error.message, /template action {{(define|template|block)}} is not supported/);
  }
});

test('a method takes its arguments from the template or from the pipe', () => {
  const data = { Label: (name: unknown) => `<${name}>`, Name: 'n' };
  assert.equal(compileTemplate('{{.Label "a"}} {{"b" | .Label}} {{upper (.Label .Name)}}')(data), '<a> <b> <N>');
});

test('inherited members of JavaScript objects can not be reached', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.equal(failure(`{{.${name}}}`, {}).message, `template parsing error: map has no entry for key "${name}"`);
  }
  assert.throws(() => compileTemplate('{{constructor}}'), OnggiError);
});

test('nesting is limited', () => {
  assert.throws(() => compileTemplate('{{if 1}}'.repeat(5000) + '{{end}}'.repeat(5000)), OnggiError);
  assert.throws(() => compileTemplate(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`), OnggiError);
});
