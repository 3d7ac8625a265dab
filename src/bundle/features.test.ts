import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { parseMountOptions } from '../runtime/plan/mount-options.ts';
import { features } from './features.ts';

type Document = {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: Readonly<Record<string, unknown>>;
};

const document = features() as unknown as Document;

/** features.md, "Mount Options", less those that are the file system's own (acl, noacl). */
const specified =
  `async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime
  noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime
  relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate
  rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid
  symfollow sync tmpcopyup unbindable idmap ridmap`.split(/\s+/);

test('a mount option is listed exactly if it is not refused', () => {
  for (const word of specified) {
    assert.equal(document.mountOptions.includes(word), accepts(word), word);
  }
  for (const word of document.mountOptions) assert.ok(specified.includes(word), word);
});

function accepts(word: string): boolean {
  try {
    parseMountOptions('/x', [word]);
    return true;
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'unsupported') return false;
    throw error;
  }
}

test('the document has every hook once, and a range of versions', () => {
  assert.deepEqual(document.hooks, [
    'prestart',
    'createRuntime',
    'createContainer',
    'startContainer',
    'poststart',
    'poststop',
  ]);
  assert.ok(document.ociVersionMin <= document.ociVersionMax);
});

test('the document is JSON with lists that are not empty', () => {
  const empty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
  JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    assert.equal(empty(value), false, key);
    return value;
  });
});

test('mounts with ids of their own and network devices are told', () => {
  assert.deepEqual(document.linux['mountExtensions'], { idmap: { enabled: true } });
  assert.deepEqual(document.linux['netDevices'], { enabled: true });
});
