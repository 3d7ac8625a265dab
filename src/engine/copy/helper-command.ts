/** What a program that uses the library runs as the helper of a copy: `node THIS-FILE QUESTION`. */
import { runCopyHelper } from './helper-end.ts';

const [, , question = ''] = process.argv;

runCopyHelper(question).then((status) => {
  process.exitCode = status;
});
