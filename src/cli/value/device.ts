/** `--device SOURCE[:TARGET][:ACCESS]`, and `--device VENDOR/CLASS=NAME` (CDI). Pure. */
import type { DeviceMapping } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

const isAccess = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** The name of a device of the Container Device Interface (its SPEC.md, "Device names"). */
const cdiName = /^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$/;

/** @throws OnggiError `invalid` */
export function parseDevice(text: string): DeviceMapping | string {
  if (cdiName.test(text)) return text;
  const sections = text.split(':');
  const [source = '', second, third] = sections;
  if (sections.length > 3 || sections.includes(''))
    throw new OnggiError('invalid', `invalid device specification: ${text}`);
  if (!source.startsWith('/'))
    throw new OnggiError('invalid', `invalid device specification: ${text}: not an absolute path`);
  if (third !== undefined && !isAccess(third)) throw new OnggiError('invalid', `invalid device mode: ${third}`);
  if (second === undefined) return { source, target: source, access: 'rwm' };
  if (third === undefined && isAccess(second)) return { source, target: source, access: second };
  if (!second.startsWith('/')) throw new OnggiError('invalid', `invalid device mode: ${second}`);
  return { source, target: second, access: third ?? 'rwm' };
}
