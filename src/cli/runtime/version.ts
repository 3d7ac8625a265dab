/** `onggi-runtime --version`: three lines that engines read (containerd's go-runc, moby's daemon, podman). Pure. */
import { ociVersion } from '../../oci/runtime-spec.ts';
import { version } from '../../version.ts';

export const runtimeVersions = `onggi-runtime version ${version}\ncommit: ${version}\nspec: ${ociVersion}`;
