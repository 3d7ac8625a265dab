/** The helper of `helper.ts`, in the user namespace of a container: the root is descriptor 3. Acts. */
import { writeSync } from 'node:fs';
import { fromSystemError } from '../../errors.ts';
import { ownDescriptor } from '../../kernel/descriptor.ts';
import type { Directory } from '../../kernel/directory.ts';
import type { HelperAsk, HelperWord } from './helper.ts';
import { localSide, type Side } from './side.ts';

const rootDescriptor = 3;

/** Never rejects. @returns the status to end with */
export async function runCopyHelper(question: string): Promise<number> {
  using root = ownDescriptor(rootDescriptor) as Directory;
  try {
    const side = localSide(root, (warning) => say({ warning }));
    say({ answer: await answer(side, JSON.parse(question) as HelperAsk) });
    return 0;
  } catch (error) {
    const { code, message } = fromSystemError(error, 'copy');
    say({ failure: { code, message } });
    return 1;
  }
}

async function answer(side: Side, ask: HelperAsk): Promise<unknown> {
  switch (ask.op) {
    case 'find':
      return await side.find(ask.path, ask.follow);
    case 'read':
      return (await side.read(ask.path, ask.limit))?.toString('base64') ?? null;
    case 'archive':
      for await (const piece of side.archive(ask.found, ask.name)) writeAll(1, piece);
      return null;
    case 'extract':
      return await side.extract(ask.below, ask.ask, process.stdin);
  }
}

function say(word: HelperWord): void {
  writeAll(2, Buffer.from(`${JSON.stringify(word)}\n`));
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
}
