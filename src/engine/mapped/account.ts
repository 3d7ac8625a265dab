/** A user whom an image does not know gets a name in it, as with Podman's keep-id. Acts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { OnggiError } from '../../errors.ts';
import {
  type Directory,
  openDirectory,
  openDirectoryIn,
  openFileIn,
  openFileToRewrite,
} from '../../kernel/directory.ts';
import type { Account } from './ask.ts';

/** Longer ones are left as they are: native/step/accounts.c reads no more. */
const longest = 1024 * 1024;

/** @param tree of a new container: nobody is in it yet. Without a plain file there nothing is added. */
export function addAccount(tree: string, { name, group, uid, gid, comment, home }: Account): void {
  using root = openDirectory(tree);
  const etc = tryOpen(root);
  if (etc === undefined) return;
  using _ = etc;
  addLine(etc, 'passwd', uid, `${name}:*:${uid}:${gid}:${comment}:${home}:/bin/sh`);
  addLine(etc, 'group', gid, `${group}:x:${gid}:${name}`);
}

function tryOpen(root: Directory): Directory | undefined {
  return ifThere(() => openDirectoryIn(root, 'etc'));
}

/** Unless there is one with this id. */
function addLine(etc: Directory, file: 'passwd' | 'group', id: number, line: string): void {
  const text = ifThere(() => {
    using opened = openFileIn(etc, file);
    return readFileSync(opened.fd, 'latin1');
  });
  if (text === undefined || text.length > longest) return;
  if (text.split('\n').some((each) => each.split(':')[2] === String(id))) return;
  ifThere(() => {
    using opened = openFileToRewrite(etc, file);
    writeFileSync(opened.fd, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`, 'latin1');
  });
}

function ifThere<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof OnggiError && (error.code === 'not-found' || error.code === 'invalid')) return undefined;
    throw error;
  }
}
