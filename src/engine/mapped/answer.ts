/** The helper of `ask.ts`: root of a user namespace that has all ids of an ordinary user. Acts. */
import { writeSync } from 'node:fs';
import { fromSystemError } from '../../errors.ts';
import { fromMachine, toMachine } from '../../image/id-map.ts';
import { copyImage } from '../../image/snapshot-tree.ts';
import { currentMaps } from '../../kernel/user-namespace.ts';
import { openStore } from '../../store/store.ts';
import { relabel } from '../selinux/relabel.ts';
import { give } from '../volume/give-tree.ts';
import { openRealPlace } from '../volume/real-source.ts';
import { addAccount } from './account.ts';
import type { MappedAsk, MappedFailure } from './ask.ts';

/** Never throws. @returns the status to end with */
export function runMappedHelper(question: string): number {
  try {
    answer(JSON.parse(question) as MappedAsk);
    return 0;
  } catch (error) {
    const { code, message, hint } = fromSystemError(error, 'work among the ids of a user');
    const failure: MappedFailure = { code, message, ...(hint !== undefined && { hint }) };
    writeSync(2, `${JSON.stringify(failure)}\n`);
    return 1;
  }
}

function answer(ask: MappedAsk): void {
  const here = fromMachine(currentMaps());
  if (ask.op === 'give') {
    for (const gift of ask.gifts) {
      using parent = openRealPlace(gift);
      give(parent, Buffer.from(gift.name), here(gift), gift.deep);
    }
    return;
  }
  if (ask.op === 'relabel') {
    for (const each of ask.work) relabel(each);
    return;
  }
  const { root, place, image, maps, account } = ask;
  using store = openStore(root);
  const change = toMachine(maps);
  copyImage(
    store,
    image,
    place,
    (owner) => here(change(owner)),
    (tree) => {
      if (account !== undefined) addAccount(tree, account);
    },
  );
}
