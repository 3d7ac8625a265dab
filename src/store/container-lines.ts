/**
 * Rows of the containers that run, as SQLite makes lines of them: a tab between the cells, a time in milliseconds between
 * U+0001 and U+0002 where it is to be told how long that is ago. Nothing in these columns has a tab or a line feed.
 */
import { type Database, get } from './database.ts';
import { integer, textOrNull } from './row.ts';

/** Whether a list of what is up shows what the lines don't tell: one that waits for its next start, or has no command here. */
export function hasUnlisted(database: Database): boolean {
  return get(database, unlisted) !== undefined;
}

const unlisted = `SELECT 1 FROM containers WHERE restart_at IS NOT NULL AND state <> 'running'
  UNION ALL SELECT 1 FROM containers WHERE listed_command IS NULL AND state = 'running' LIMIT 1`;

/**
 * Newest first: short id, image, command, creation, status, ports and name. Undefined where the lines don't tell all: that
 * is asked of the same state, since another command may have started one meanwhile.
 */
export function upContainerLines(database: Database): string | undefined {
  const row = get(database, lines) ?? {};
  return integer(row, 'unlisted') === 0 ? (textOrNull(row, 'lines') ?? '') : undefined;
}

/** A command is cut at 20 characters. */
const lines = `SELECT EXISTS (${unlisted}) AS unlisted, group_concat(line, char(10)) AS lines FROM (
  SELECT concat_ws(char(9), substr(id, 1, 12), image_reference,
    '"' || iif(length(listed_command) > 20, substr(listed_command, 1, 19) || '…', listed_command) || '"',
    char(1) || created || char(2) || ' ago',
    'Up ' || char(1) || coalesce(started_at, created) || char(2) || iif(paused, ' (Paused)', ''), listed_ports, name) AS line
  FROM containers INDEXED BY containers_running WHERE state = 'running' ORDER BY created DESC, id)`;
