/** Whom a container's files belong to with `cp -a`: its user, looked up in its own accounts. */
import { OnggiError } from '../../errors.ts';
import type { EntryPath } from '../../image/entry-path.ts';
import type { Store } from '../../store/store.ts';
import type { Container } from '../container/container.ts';
import { readImageConfig } from '../image/view.ts';
import type { Side } from './side.ts';

/** As native/step/accounts.c reads them. */
const accountsMax = 1024 * 1024;

export type Owner = { readonly uid: number; readonly gid: number };

/** Undefined for a container without a user of its own. @throws OnggiError `not-found` for one that is in no account */
export async function ownerInContainer(
  store: Store,
  side: Side,
  { row, options }: Container,
): Promise<Owner | undefined> {
  const image = row.imageId === null ? null : readImageConfig(store, row.imageId).value.process;
  const asked = options.user ?? image?.user ?? '';
  if (asked === '') return undefined;
  const passwd = (await side.read('etc/passwd' as EntryPath, accountsMax))?.toString('latin1') ?? '';
  const group = (await side.read('etc/group' as EntryPath, accountsMax))?.toString('latin1') ?? '';
  return ownerOf(asked, passwd, group);
}

/** @param asked "NAME|UID[:GROUP|GID]" */
export function ownerOf(asked: string, passwd: string, group: string): Owner {
  const [user = '', groupName] = asked.split(':');
  const account = rows(passwd).find(([name, , uid]) => name === user || uid === user);
  const uid = number(user) ?? number(account?.[2]);
  if (uid === undefined) throw new OnggiError('not-found', `user "${user}": no such user in the container`);
  if (groupName === undefined) return { uid, gid: number(account?.[3]) ?? 0 };
  const gid = number(groupName) ?? number(rows(group).find(([name]) => name === groupName)?.[2]);
  if (gid === undefined) throw new OnggiError('not-found', `group "${groupName}": no such group in the container`);
  return { uid, gid };
}

function rows(text: string): string[][] {
  return text.split('\n').map((line) => line.split(':'));
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff ? Number(text) : undefined;
}
