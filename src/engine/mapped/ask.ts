/**
 * What an ordinary user has to be root among his ids for: files of other ids, made and given away. A helper does it, this
 * program once more in a user namespace that has all of them. Acts.
 */
import { OnggiError, unsupported } from '../../errors.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import { runMapped } from '../../kernel/user-namespace.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Context } from '../context.ts';
import type { Relabelling } from '../selinux/relabel.ts';
import type { IdMaps } from '../types/user-namespace.ts';
import type { RealPlace } from '../volume/real-source.ts';

/** A file or directory, and whose it becomes: ids of the machine. */
export type Gift = RealPlace & {
  readonly uid: number;
  readonly gid: number;
  /** With all that is below it. */
  readonly deep: boolean;
};

/** A line of passwd and one of group that an image is given, where it has none with these ids. */
export type Account = {
  readonly name: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
};

/** The one argument of the helper, in JSON. */
export type MappedAsk =
  /** The whole tree of a container in directories that are there, with the owners that the maps make of the image's. */
  | {
      readonly op: 'snapshot';
      /** Of the store. */
      readonly root: string;
      readonly place: { readonly tree: string; readonly whole: string };
      readonly image: Digest;
      readonly maps: IdMaps;
      readonly account?: Account;
    }
  | { readonly op: 'give'; readonly gifts: readonly Gift[] }
  | { readonly op: 'relabel'; readonly work: readonly Relabelling[] };

/** What it says where it fails, one line on standard error. */
export type MappedFailure = { readonly code: OnggiError['code']; readonly message: string; readonly hint?: string };

/** Longest argument of a program (execve(2), MAX_ARG_STRLEN), with room for what is around it. */
const longestQuestion = 100_000;

/** @throws OnggiError as the helper found it; `denied` when there can be no user namespace */
export function askMapped(context: Context, user: Unprivileged, ask: MappedAsk): void {
  const question = JSON.stringify(ask);
  if (question.length > longestQuestion) throw unsupported('so many files to be given away at once');
  const { status, said } = runMapped(user, [...context.helperCommand('mapped-helper'), question]);
  if (status === 0) return;
  const failure = parse(said);
  if (failure === undefined) {
    throw new OnggiError('denied', `work among your ids: ${said === '' ? `wait status ${status}` : said}`, {
      hint: 'It takes the lines for you in /etc/subuid and /etc/subgid, and newuidmap (Debian: uidmap).',
    });
  }
  const { code, message, hint } = failure;
  throw new OnggiError(code, message, hint === undefined ? {} : { hint });
}

function parse(said: string): MappedFailure | undefined {
  try {
    return said.startsWith('{') ? (JSON.parse(said) as MappedFailure) : undefined;
  } catch {
    return undefined;
  }
}
