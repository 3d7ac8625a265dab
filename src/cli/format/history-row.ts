/** Steps of an image's history as `history` shows them. Pure. */
import type { HistoryEntry } from '../../engine/index.ts';
import { humanDuration } from './human-duration.ts';
import { humanSize } from './human-size.ts';
import { shortId } from './image-row.ts';
import type { Listing, Row } from './listing.ts';
import { visibleLine } from './visible.ts';

export function historyListing(human: boolean): Listing {
  return {
    subject: 'history',
    headings: {
      ID: 'IMAGE',
      CreatedSince: 'CREATED',
      CreatedAt: 'CREATED AT',
      CreatedBy: 'CREATED BY',
      Size: 'SIZE',
      Comment: 'COMMENT',
    },
    table: `{{.ID}}\t${human ? '{{.CreatedSince}}' : '{{.CreatedAt}}'}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
  };
}

export type HistoryRowOptions = { readonly now: number; readonly truncate: boolean; readonly human: boolean };

/** Characters of a command in a table. */
const commandLength = 45;

export function historyRow(step: HistoryEntry, { now, truncate, human }: HistoryRowOptions): Row {
  const createdBy = visibleLine(step.createdBy);
  const short =
    [...createdBy].length > commandLength ? `${[...createdBy].slice(0, commandLength - 1).join('')}…` : createdBy;
  return {
    Comment: visibleLine(step.comment),
    CreatedAt: step.created === 0 ? '' : new Date(step.created).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    CreatedBy: truncate ? short : createdBy,
    CreatedSince: step.created === 0 ? 'N/A' : `${humanDuration(now - step.created)} ago`,
    ID: step.id === null ? '<missing>' : truncate ? shortId(step.id) : step.id,
    Size: human ? humanSize(step.size, 3) : String(step.size),
  };
}
