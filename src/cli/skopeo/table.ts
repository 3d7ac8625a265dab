/** Commands of `skopeo`: the name, what it does, where it is. */
import type { Command } from '../definition.ts';

export type SkopeoEntry = {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
};

export const skopeoCommands: readonly SkopeoEntry[] = [
  {
    name: 'copy',
    summary: 'Copy an IMAGE-NAME from one location to another',
    load: () => import('./commands/copy.ts'),
  },
  { name: 'delete', summary: 'Delete image IMAGE-NAME', load: () => import('./commands/delete.ts') },
  {
    name: 'generate-sigstore-key',
    summary: 'Generate a sigstore public/private key pair',
    load: () => import('./commands/generate-sigstore-key.ts'),
  },
  { name: 'inspect', summary: 'Inspect image IMAGE-NAME', load: () => import('./commands/inspect.ts') },
  { name: 'layers', summary: 'Get layers of IMAGE-NAME', load: () => import('./commands/layers.ts') },
  {
    name: 'list-tags',
    summary: 'List tags in the transport/repository specified by the SOURCE-IMAGE',
    load: () => import('./commands/list-tags.ts'),
  },
  { name: 'login', summary: 'Login to a container registry', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'Logout of a container registry', load: () => import('./commands/logout.ts') },
  {
    name: 'manifest-digest',
    summary: 'Compute a manifest digest of a file',
    load: () => import('./commands/manifest-digest.ts'),
  },
  {
    name: 'standalone-sign',
    summary: 'Create a signature using local files',
    load: () => import('./commands/standalone-sign.ts'),
  },
  {
    name: 'standalone-verify',
    summary: 'Verify a signature using local files',
    load: () => import('./commands/standalone-verify.ts'),
  },
  {
    name: 'sync',
    summary: 'Synchronize one or more images from one location to another',
    load: () => import('./commands/sync.ts'),
  },
];

/** Known, and not kept. */
export const refusedSkopeoCommands: readonly string[] = ['experimental-image-proxy'];
