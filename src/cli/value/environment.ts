/** `-e NAME[=VALUE]`, `--env-file`, `--label`, `--label-file`, `--sysctl`: pairs of a name and a text. Pure. */
import { OnggiError } from '../../errors.ts';

/** A name with its value, or without: then it is taken from the caller's environment, if it is there. */
export type Assignment = { readonly name: string; readonly value: string | undefined };

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws OnggiError `invalid` */
export function parseAssignment(text: string): Assignment {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') throw new OnggiError('invalid', `invalid environment variable: ${text}`);
  return { name, value: equals < 0 ? undefined : text.slice(equals + 1) };
}

/** Docker's words for a name that no filter could name. @throws OnggiError `invalid` */
export function parseLabel(text: string): Assignment {
  const label = parseAnnotation(text);
  const name = label.name.replace(/^[ \t]+/, '');
  if (name === '') throw new OnggiError('invalid', `invalid label '${text}': empty name`);
  if (/[ \t]/.test(name)) throw new OnggiError('invalid', `label '${name}' contains whitespaces`);
  return label;
}

/** A label whose name may hold blanks: of an annotation, or of a volume that a mount makes. @throws OnggiError `invalid` */
export function parseAnnotation(text: string): Assignment {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') throw new OnggiError('invalid', `invalid label '${text}': empty name`);
  return { name, value: equals < 0 ? '' : text.slice(equals + 1) };
}

/** @throws OnggiError `invalid` */
export function parseSysctl(text: string): Assignment {
  const equals = text.indexOf('=');
  if (equals < 1) throw new OnggiError('invalid', `sysctl '${text}' is not of the form NAME=VALUE`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

/**
 * Lines of an env or label file, by Docker's rules: leading blanks are dropped, `#` starts a comment only at the
 * beginning of a line, everything after `=` is the value, quotes and blanks included.
 * @param path for messages
 * @throws OnggiError `invalid` that names the line
 */
export function parseAssignmentFile(text: string, path: string): Assignment[] {
  const assignments: Assignment[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(/^[ \t\v\f]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = equals < 0 ? line.trimEnd() : line.slice(0, equals);
    const where = `${path}, line ${index + 1}`;
    if (name === '') throw new OnggiError('invalid', `${where}: no variable name on line '${line}'`);
    if (/\s/.test(name)) throw new OnggiError('invalid', `${where}: variable '${name}' contains whitespaces`);
    assignments.push({ name, value: equals < 0 ? undefined : line.slice(equals + 1) });
  }
  return assignments;
}

/**
 * "NAME=value" entries, a later one replacing an earlier one in its place. A name without a value takes the
 * caller's; when the caller has none, a flag means that the variable is to be absent, whatever the image says (the
 * entry "NAME"), and a line of a file means nothing. So it is in Docker.
 */
export function resolveEnvironment(
  ofFiles: readonly Assignment[],
  ofFlags: readonly Assignment[],
  environment: Environment,
): string[] {
  const resolved = new Map<string, string | undefined>();
  for (const { name, value = environment[name] } of ofFiles) if (value !== undefined) resolved.set(name, value);
  for (const { name, value = environment[name] } of ofFlags) resolved.set(name, value);
  return [...resolved].map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
}

export function recordOf(assignments: readonly Assignment[]): Record<string, string> {
  return Object.fromEntries(assignments.map(({ name, value }) => [name, value ?? '']));
}
