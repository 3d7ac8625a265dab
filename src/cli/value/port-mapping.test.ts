import { testParser } from '../testing.ts';
import { parsePortMappings } from './port-mapping.ts';

const tcp = { hostIp: '', protocol: 'tcp' };

testParser(
  'ports',
  parsePortMappings,
  [
    ['80', [{ ...tcp, hostPort: 0, containerPort: 80 }]],
    [':80', [{ ...tcp, hostPort: 0, containerPort: 80 }]],
    ['8080:80', [{ ...tcp, hostPort: 8080, containerPort: 80 }]],
    ['8080:80/tcp', [{ ...tcp, hostPort: 8080, containerPort: 80 }]],
    ['53:53/UDP', [{ ...tcp, hostPort: 53, containerPort: 53, protocol: 'udp' }]],
    ['127.0.0.1:8080:80', [{ ...tcp, hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80 }]],
    ['127.0.0.1::80', [{ ...tcp, hostIp: '127.0.0.1', hostPort: 0, containerPort: 80 }]],
    ['0.0.0.0:8080:80', [{ ...tcp, hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80 }]],
    ['[0:0::1]:8080:80', [{ ...tcp, hostIp: '::1', hostPort: 8080, containerPort: 80 }]],
    ['[::1]:8080:80', [{ ...tcp, hostIp: '::1', hostPort: 8080, containerPort: 80 }]],
    ['8000-8010:80', [{ ...tcp, hostPort: 8000, lastHostPort: 8010, containerPort: 80 }]],
    ['80-80:80', [{ ...tcp, hostPort: 80, containerPort: 80 }]],
    ['::1:8080:80', [{ ...tcp, hostIp: '::1', hostPort: 8080, containerPort: 80 }]],
    [
      '8000-8001:9000-9001',
      [
        { ...tcp, hostPort: 8000, containerPort: 9000 },
        { ...tcp, hostPort: 8001, containerPort: 9001 },
      ],
    ],
    [
      '7000-7001',
      [
        { ...tcp, hostPort: 0, containerPort: 7000 },
        { ...tcp, hostPort: 0, containerPort: 7001 },
      ],
    ],
  ],
  [
    ['', 'no port specified: <empty>'],
    ['80:', 'no port specified: 80:<empty>'],
    ['99999', 'invalid containerPort: 99999'],
    ['0', 'invalid containerPort: 0'],
    ['a:b', 'invalid containerPort: b'],
    ['a:80', 'invalid hostPort: a'],
    ['70000:80', 'invalid hostPort: 70000'],
    ['80-70', 'invalid containerPort: 80-70'],
    ['1-3:5-6', 'invalid ranges specified for container and host Ports: 5-6 and 1-3'],
    ['1:2-3', 'invalid ranges specified for container and host Ports: 2-3 and 1'],
    ['1.2.3:80:80', 'invalid IP address: 1.2.3'],
    ['256.0.0.1:80:80', 'invalid IP address: 256.0.0.1'],
    ['1:2:3:4', 'invalid IP address: 1:2'],
    ['host:80:80', 'invalid IP address: host'],
    ['80:80/foo', 'invalid proto: foo'],
    ['80:80/sctp', 'publishing an sctp port (80:80/sctp) is not supported'],
    ['0-9:80', 'invalid ranges specified for container and host Ports: 80 and 0-9'],
  ],
);
