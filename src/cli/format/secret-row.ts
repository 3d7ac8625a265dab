/** Secrets as `secret ls` and `secret inspect` show them. Pure. */
import type { SecretSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { Filter } from './filter.ts';
import { humanDuration } from './human-duration.ts';
import type { Listing, Row } from './listing.ts';

export const secretListing: Listing = {
  subject: 'secret',
  headings: { ID: 'ID', Name: 'NAME', Driver: 'DRIVER', CreatedAt: 'CREATED', UpdatedAt: 'UPDATED', Labels: 'LABELS' },
  table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}',
};

export function secretRow({ id, name, created, updated, labels }: SecretSummary, now: number): Row {
  return {
    CreatedAt: `${humanDuration(now - created)} ago`,
    Driver: 'file',
    ID: id,
    Label: (label: unknown) => labels[String(label)] ?? '',
    Labels: Object.entries(labels)
      .map(([label, value]) => `${label}=${value}`)
      .sort()
      .join(','),
    Name: name,
    UpdatedAt: `${humanDuration(now - updated)} ago`,
  };
}

/** In Podman's shape. */
export function secretRecord(secret: SecretSummary, data?: string): Record<string, unknown> {
  return {
    ID: secret.id,
    CreatedAt: new Date(secret.created).toISOString(),
    UpdatedAt: new Date(secret.updated).toISOString(),
    Spec: {
      Name: secret.name,
      Driver: { Name: 'file', Options: secret.driverOptions },
      Labels: secret.labels,
    },
    ...(data !== undefined && { SecretData: data }),
  };
}

/** @throws OnggiError `invalid` */
export function secretFilter(filters: readonly Filter[]): (secret: SecretSummary) => boolean {
  for (const { key } of filters) {
    if (key !== 'name' && key !== 'id') {
      throw new OnggiError('invalid', `invalid filter '${key}'`, { hint: 'There are: id, name.' });
    }
  }
  const by = Map.groupBy(filters, ({ key }) => key);
  return ({ id, name }) =>
    [...by].every(([key, values]) =>
      values.some(({ value }) => (key === 'id' ? id.startsWith(value) : new RegExp(value).test(name))),
    );
}
