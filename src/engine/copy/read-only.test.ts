import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerOptions } from '../types.ts';
import { checkWritable } from './read-only.ts';

const mounts: ContainerOptions['mounts'] = [
  { type: 'volume', name: 'a', target: '/a/', readOnly: true, copy: true },
  { type: 'volume', name: 'b', target: '/a/in/../b', readOnly: false, copy: true },
  { type: 'tmpfs', target: '/tmp', options: '' },
];

for (const [directory, readOnly, refused] of [
  ['/', true, /^container rootfs is marked read-only$/],
  ['/', false, null],
  ['/ab', true, /^container rootfs/],
  ['/a', false, /^mounted volume is marked read-only$/],
  ['/a/x', true, /^mounted volume/],
  ['/a/b', true, null],
  ['/a/b/c', false, null],
  ['/tmp/x', true, null],
  ['/dev/shm', true, null],
  ['/device', true, /^container rootfs/],
] as const) {
  test(`copying to ${directory} of a container whose root is ${readOnly ? 'read-only' : 'writable'}`, () => {
    const check = (): void => checkWritable({ readOnly, mounts }, directory);
    if (refused === null) check();
    else assert.throws(check, { code: 'denied', message: refused });
  });
}
