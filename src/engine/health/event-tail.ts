/** What of an event is known before the shim tells it. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../container/container.ts';
import { eventTail } from '../event/line.ts';
import { containerNews } from '../event/news.ts';

/** By which the shim tells of a change; written again when the container gets another name. */
export function writeEventTail(container: Container): void {
  const path = join(container.files.health, 'event');
  writeFileSync(`${path}.new`, eventTail(containerNews(container, '')), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
