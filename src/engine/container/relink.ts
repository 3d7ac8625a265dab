/** A container that was started anew may have another address: those that know it by `--link` are told. Acts. */
import { statSync, writeFileSync } from 'node:fs';
import { fromSystemError } from '../../errors.ts';
import { readText } from '../../kernel/text-file.ts';
import { listContainers } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import { relinkedHosts } from '../spec/link.ts';
import { type Container, containerOf } from './container.ts';

/** Bytes: what a container has written into its /etc/hosts beyond this is not read. */
const hostsMax = 1024 * 1024;

/** @throws OnggiError when a file can't be read or written */
export function refreshLinks(store: Store, { id }: Container, address: string): void {
  for (const row of listContainers(store.database, ['starting', 'running'])) {
    // Most have no links: then there is no need to decode their options.
    if (!row.options.includes(id)) continue;
    const { options, files } = containerOf(store, row);
    const links = (options.links ?? []).filter(({ container }) => container === id);
    if (links.length > 0)
      rewrite(files.hosts, (hosts) =>
        links.reduce((text, { alias }) => relinkedHosts(text, { id, alias, address }), hosts),
      );
  }
}

/** In its place: the container has this very file mounted. */
function rewrite(path: string, change: (text: string) => string): void {
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    // It may have been removed meanwhile.
    if (facts === undefined || facts.size > hostsMax) return;
    const before = readText(path);
    const after = change(before);
    if (after !== before) writeFileSync(path, after);
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}
