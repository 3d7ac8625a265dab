import { testParser } from '../testing.ts';
import { parseRestartPolicy } from './restart-policy.ts';

testParser(
  'restart policies',
  parseRestartPolicy,
  [
    ['', { name: 'no', maximumRetries: 0 }],
    ['no', { name: 'no', maximumRetries: 0 }],
    ['always', { name: 'always', maximumRetries: 0 }],
    ['unless-stopped', { name: 'unless-stopped', maximumRetries: 0 }],
    ['on-failure', { name: 'on-failure', maximumRetries: 0 }],
    ['on-failure:', { name: 'on-failure', maximumRetries: 0 }],
    ['on-failure:3', { name: 'on-failure', maximumRetries: 3 }],
  ],
  [
    ['sometimes', /unknown policy 'sometimes'; use one of/],
    ['always:3', /maximum retry count cannot be used with policy 'always'/],
    ['on-failure:x', /maximum retry count must be an integer/],
    ['on-failure:-1', /maximum retry count must be an integer/],
    ['on-failure:1:2', /invalid restart policy format: 'on-failure:1:2'/],
  ],
);
