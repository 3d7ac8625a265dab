/** Whether a client takes a media type (RFC 9110, section 12.5.1). Pure. */

/** No header accepts everything. Quality counts only where it is 0: there is one form of each manifest to give. */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const [family = ''] = mediaType.split('/');
  return header.split(',').some((item) => {
    const [type = '', ...parameters] = item.split(';').map((word) => word.trim().toLowerCase());
    const refused = parameters.some((word) => /^q=0(?:\.0*)?$/.test(word));
    return !refused && (type === mediaType || type === '*/*' || type === `${family}/*`);
  });
}

/** A media type without its parameters, in lower case. */
export function bareType(header: string | undefined): string {
  return (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
