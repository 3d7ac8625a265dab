import { testParser } from '../testing.ts';
import { parseSecret } from './secret.ts';

const plain = { type: 'mount', secret: 's', uid: 0, gid: 0, mode: 0o444 };

testParser(
  'secrets of a container',
  parseSecret,
  [
    ['s', plain],
    ['source=s', plain],
    ['s,target=/etc/key,uid=7,gid=8,mode=0400', { ...plain, target: '/etc/key', uid: 7, gid: 8, mode: 0o400 }],
    ['s,type=env', { type: 'env', secret: 's' }],
    ['s,type=env,target=KEY', { type: 'env', secret: 's', target: 'KEY' }],
  ],
  [
    ['', "no source found in secret ''"],
    ['type=env', "no source found in secret 'type=env'"],
    ['s,other=1', "secret option 'other=1': it is none of source, src, type, target, uid, gid, mode"],
    ['s,type=file', "secret type 'file': there are mount and env"],
    ['s,type=env,uid=1', "secret option 'uid': only for type=mount"],
    ['s,uid=x', "secret option 'uid=x': not an id"],
    ['s,mode=999', "secret option 'mode=999': not an octal mode up to 0777"],
  ],
);
