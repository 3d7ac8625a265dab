import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { renderFailure } from '../failure.ts';
import { alignColumns } from './columns.ts';
import { visible, visibleLine } from './visible.ts';

test('control characters are shown, not sent', () => {
  assert.equal(visible('a\x1b[2Jb\x07\r\x7f\x9b1m\0'), 'a\\x1b[2Jb\\x07\\x0d\\x7f\\x9b1m\\x00');
  assert.equal(visible('gnp\u202eexe.\u2066'), 'gnp\\u202eexe.\\u2066');
  assert.equal(
    visible('ordinary text,\n\twith ümläuts and 한글 \u{1f600}'),
    'ordinary text,\n\twith ümläuts and 한글 \u{1f600}',
  );
  assert.equal(visibleLine('one\ntwo\tthree\x1b'), 'one\\ntwo\\tthree\\x1b');
});

test('errors and tables carry none', () => {
  const error = new OnggiError('invalid', 'pull "\x1b]0;title\x07": no', { hint: 'see \x1b[8m' });
  const control = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;
  assert.doesNotMatch(renderFailure(error, true), control);
  assert.doesNotMatch(renderFailure(new Error('\x1b[2J'), false), control);
  assert.doesNotMatch(alignColumns([['\x1b[2J\nforged', 'x\r']]).replace(/\n$/, ''), /[\x00-\x1f]/);
});
