/** What the shim of a container has to know of it anew, to tell what happens to it. */
import { renameSync, writeFileSync } from 'node:fs';
import type { Container } from '../container/container.ts';
import { eventTail } from './line.ts';
import { containerNews } from './news.ts';

/** When the container has got another name than its plan has. */
export function writeEventTail(container: Container): void {
  const { event } = container.files;
  writeFileSync(`${event}.new`, eventTail(containerNews(container, '')), { mode: 0o600 });
  renameSync(`${event}.new`, event);
}
