/** `--device SOURCE[:TARGET][:ACCESS]`. Pure. */
import type { DeviceMapping } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';

const isAccess = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** @throws OnggiError `invalid`; `unsupported` for devices by the names of CDI */
export function parseDevice(text: string): DeviceMapping {
  const sections = text.split(':');
  const [source = '', second, third] = sections;
  if (sections.length > 3 || sections.includes(''))
    throw new OnggiError('invalid', `invalid device specification: ${text}`);
  if (!source.startsWith('/') && source.includes('=')) throw unsupported(`CDI device '${source}'`);
  if (!source.startsWith('/'))
    throw new OnggiError('invalid', `invalid device specification: ${text}: not an absolute path`);
  if (third !== undefined && !isAccess(third)) throw new OnggiError('invalid', `invalid device mode: ${third}`);
  if (second === undefined) return { source, target: source, access: 'rwm' };
  if (third === undefined && isAccess(second)) return { source, target: source, access: second };
  if (!second.startsWith('/')) throw new OnggiError('invalid', `invalid device mode: ${second}`);
  return { source, target: second, access: third ?? 'rwm' };
}
