/** Names of containers. A name becomes a directory and a cgroup, so it is one plain component of a path. Pure. */
import { OnggiError } from '../errors.ts';

/** Longest name of a directory entry (limits.h, NAME_MAX). */
const longest = 255;

/** runc takes these letters too, and a comma, which no engine uses. */
const letters = /^[\w+.-]+$/;

/** @throws OnggiError `invalid` */
export function checkContainerId(id: string): string {
  if (id === '') throw new OnggiError('invalid', 'container id cannot be empty');
  if (id.length > longest) {
    throw new OnggiError(
      'invalid',
      `invalid container ID format: ${id.length} characters, at most ${longest} are allowed`,
    );
  }
  if (!letters.test(id) || id === '.' || id === '..') {
    throw new OnggiError('invalid', `invalid container ID format: "${id}"`, {
      hint: 'Use letters, digits, "_", "+", "-" and ".".',
    });
  }
  return id;
}
