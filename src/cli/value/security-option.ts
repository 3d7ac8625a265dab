/** `--security-opt`. Pure: the caller reads the profile that a path names. */
import { OnggiError, unsupported } from '../../errors.ts';

export type SecurityOption =
  | { readonly kind: 'no-new-privileges'; readonly on: boolean }
  /** "unconfined", "builtin" or a path. */
  | { readonly kind: 'seccomp'; readonly profile: string }
  | { readonly kind: 'apparmor'; readonly profile: string }
  | { readonly kind: 'system-paths' }
  | { readonly kind: 'mask' | 'unmask'; readonly paths: readonly string[] }
  /** Labels of SELinux are not set in any case. */
  | { readonly kind: 'no-label' };

/** @throws OnggiError `invalid`; `unsupported` for labels of SELinux */
export function parseSecurityOption(text: string): SecurityOption {
  const separator = /[=:]/.exec(text)?.index ?? -1;
  const name = separator < 0 ? text : text.slice(0, separator);
  const value = separator < 0 ? undefined : text.slice(separator + 1);
  if (name === 'no-new-privileges') return { kind: name, on: switched(value ?? 'true', text) };
  if (value === undefined || value === '') throw new OnggiError('invalid', `invalid --security-opt: "${text}"`);
  switch (name) {
    case 'seccomp':
      return { kind: 'seccomp', profile: value };
    case 'apparmor':
      return { kind: 'apparmor', profile: value };
    case 'systempaths':
      if (value !== 'unconfined') throw new OnggiError('invalid', `invalid --security-opt: "${text}"`);
      return { kind: 'system-paths' };
    case 'mask':
    case 'unmask':
      return { kind: name, paths: pathsOf(value, name === 'unmask') };
    case 'label':
      if (value === 'disable') return { kind: 'no-label' };
      throw unsupported(`label of SELinux '${value}'`);
    default:
      throw new OnggiError('invalid', `invalid --security-opt: "${text}"`, {
        hint: 'There are no-new-privileges, seccomp, apparmor, systempaths, mask, unmask and label.',
      });
  }
}

function switched(value: string, text: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new OnggiError('invalid', `invalid --security-opt: "${text}"`, { hint: 'Write true or false.' });
}

function pathsOf(value: string, all: boolean): readonly string[] {
  if (all && value.toUpperCase() === 'ALL') return ['ALL'];
  const paths = value.split(':');
  const wrong = paths.find((path) => !path.startsWith('/'));
  if (wrong !== undefined) throw new OnggiError('invalid', `'${wrong}' is not an absolute path`);
  return paths;
}
