/** Directories of the machine whose files nobody wants to give away or to relabel (Podman, utils: the same ones). Pure. */
import { OnggiError } from '../../errors.ts';

const systemPaths: ReadonlySet<string> = new Set(
  `/ /bin /boot /dev /etc /etc/passwd /etc/pki /etc/shadow /home /lib /lib64 /media /opt /proc /root /run /sbin /srv /sys
  /tmp /usr /var /var/lib /var/log`.split(/\s+/),
);

/**
 * @param path absolute, links resolved. @param home directory of the user. @param deed "chowning"
 * @throws OnggiError `denied`
 */
export function checkNotSystem(path: string, home: string, deed: string): void {
  if (!systemPaths.has(path) && path !== home) return;
  throw new OnggiError('denied', `${deed} host path "${path}" is not allowed`, {
    hint: deed === 'chowning' ? 'Leave "U" out; if that is what you want, use chown -R on the host.' : 'Leave "z" out.',
  });
}
