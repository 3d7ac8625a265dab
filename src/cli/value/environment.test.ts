import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testParser } from '../testing.ts';
import {
  parseAnnotation,
  parseAssignment,
  parseAssignmentFile,
  parseLabel,
  parseSysctl,
  resolveEnvironment,
} from './environment.ts';

testParser(
  'environment',
  parseAssignment,
  [
    ['A=b=c', { name: 'A', value: 'b=c' }],
    ['A=', { name: 'A', value: '' }],
    ['A', { name: 'A', value: undefined }],
  ],
  [
    ['', 'invalid environment variable: '],
    ['=a', 'invalid environment variable: =a'],
  ],
);

testParser(
  'labels',
  parseLabel,
  [
    ['a=b', { name: 'a', value: 'b' }],
    ['a', { name: 'a', value: '' }],
    ['a=b c', { name: 'a', value: 'b c' }],
    [' a=b', { name: ' a', value: 'b' }],
  ],
  [
    ['', "invalid label '': empty name"],
    ['=x', "invalid label '=x': empty name"],
    [' =x', "invalid label ' =x': empty name"],
    ['a b=c', "label 'a b' contains whitespaces"],
    ['a\t', "label 'a\t' contains whitespaces"],
  ],
);

testParser(
  'annotations',
  parseAnnotation,
  [['a b=c', { name: 'a b', value: 'c' }]],
  [['=x', "invalid label '=x': empty name"]],
);

testParser(
  'kernel parameters',
  parseSysctl,
  [['net.x=1', { name: 'net.x', value: '1' }]],
  [['foo', "sysctl 'foo' is not of the form NAME=VALUE"]],
);

test('env files follow the rules of Docker', () => {
  const text = '\ufeff# comment\n\n  A=1 # kept \nB="quoted"\r\n\tC\nD=a=b\nE= x \n';
  assert.deepEqual(parseAssignmentFile(text, 'f'), [
    { name: 'A', value: '1 # kept ' },
    { name: 'B', value: '"quoted"' },
    { name: 'C', value: undefined },
    { name: 'D', value: 'a=b' },
    { name: 'E', value: ' x ' },
  ]);
  assert.throws(() => parseAssignmentFile('A=1\n=x', 'f'), /f, line 2: no variable name on line '=x'/);
  assert.throws(() => parseAssignmentFile('a b=1', 'f'), /f, line 1: variable 'a b' contains whitespaces/);
});

test('a later variable replaces an earlier one, a name takes the value of the caller', () => {
  const flags = ['A=1', 'B=2', 'A=3', 'C', 'D', 'B'].map(parseAssignment);
  assert.deepEqual(resolveEnvironment([], flags, { C: 'mine' }), ['A=3', 'B', 'C=mine', 'D']);
});

test('a name that the caller lacks removes the variable, but not from a file', () => {
  const files = ['A=file', 'B=file', 'C'].map(parseAssignment);
  assert.deepEqual(resolveEnvironment(files, [parseAssignment('A')], {}), ['A', 'B=file']);
});
