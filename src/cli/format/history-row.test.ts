import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryEntry } from '../../engine/index.ts';
import type { Digest } from '../../oci/digest.ts';
import { historyListing, historyRow } from './history-row.ts';
import { compileListing } from './listing.ts';

const now = Date.parse('2026-11-21T09:00:00Z');

const steps: readonly HistoryEntry[] = [
  {
    id: `sha256:${'3d'.repeat(32)}` as Digest,
    tags: ['app:1'],
    created: now - 3 * 3600_000,
    createdBy: '/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"] and more',
    author: '',
    comment: 'buildkit.dockerfile.v0',
    size: 0,
  },
  { id: null, tags: [], created: 0, createdBy: 'evil \u001b[2J\n line', author: '', comment: '', size: 80_400_000 },
];

function print(human: boolean, truncate: boolean, format?: string): string {
  const rows = steps.map((step) => historyRow(step, { now, truncate, human }));
  return compileListing(historyListing(human), format).print(rows);
}

test('history prints what docker history prints', () => {
  assert.equal(
    print(true, true),
    'IMAGE          CREATED       CREATED BY                                      SIZE      COMMENT\n' +
      '3d3d3d3d3d3d   3 hours ago   /bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon…   0B        buildkit.dockerfile.v0\n' +
      '<missing>      N/A           evil \\x1b[2J\\n line                             80.4MB    \n',
  );
});

test('in full, for programs', () => {
  const text = print(false, false, '{{.ID}} {{.CreatedAt}} {{.Size}} {{.CreatedBy}}');
  assert.equal(
    text,
    `sha256:${'3d'.repeat(32)} 2026-11-21T06:00:00Z 0 /bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"] and more\n` +
      '<missing>  80400000 evil \\x1b[2J\\n line\n',
  );
});
