/** Docker's template of a tag (its documentation, "Customize log driver output"). Pure. */
import { OnggiError } from '../../errors.ts';

export type TagFacts = {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  readonly command: readonly string[];
  /** Of the machine. */
  readonly hostname: string;
};

const fields: Readonly<Record<string, (facts: TagFacts) => string>> = {
  ID: ({ id }) => id.slice(0, 12),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, '').slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  Command: ({ command }) => command.join(' '),
  Hostname: ({ hostname }) => hostname,
  DaemonName: () => 'onggi',
};

/** @throws OnggiError `invalid` for what is no field */
export function logTag(template: string, facts: TagFacts): string {
  return expand(template, (field) => field(facts));
}

/** @throws OnggiError `invalid` */
export function checkTag(template: string): void {
  expand(template, () => '');
}

function expand(template: string, value: (field: (facts: TagFacts) => string) => string): string {
  return template.replaceAll(/\{\{(.*?)\}\}/g, (action, inner: string) => {
    const name = /^\s*\.(\w+)\s*$/.exec(inner)?.[1] ?? '';
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field !== undefined) return value(field);
    const known = Object.keys(fields).map((one) => `{{.${one}}}`);
    throw new OnggiError('invalid', `log option tag: "${action}" in "${template}" is not known`, {
      hint: `There are ${known.join(', ')}.`,
    });
  });
}
