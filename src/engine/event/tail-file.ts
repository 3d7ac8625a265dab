/** What the shim of a container has to know of it anew, to tell what happens to it. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import type { Container } from '../container/container.ts';
import { eventTail } from './line.ts';
import { containerNews } from './news.ts';

/**
 * When the container is to get another name than its plan has. Under its lock.
 * @param noted writes the name down, once there is room for what the shim has to know
 */
export function withEventTail(container: Container, noted: () => void): void {
  const { event } = container.files;
  const made = `${event}.new`;
  try {
    writeFileSync(made, eventTail(containerNews(container, '')), { mode: 0o600 });
    noted();
    renameSync(made, event);
  } catch (error) {
    rmSync(made, { force: true });
    throw errnoOf(error) === undefined || error instanceof OnggiError
      ? error
      : fromSystemError(error, `write "${made}"`);
  }
}
