/** `exec --process`: a file shaped as the field "process" of config.json. Acts. */
import { parseProcess } from '../oci/runtime-schema.ts';
import type { Process } from '../oci/runtime-spec.ts';
import { readConfig } from './bundle.ts';

/** @throws OnggiError `not-found`, `invalid` */
export function readProcess(path: string): Process {
  return parseProcess(readConfig(path), path);
}
