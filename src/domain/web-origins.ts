/** Names and addresses of the machine that a page runs on, which needs no certificate for itself. */
const localHosts = /^(localhost|.*\.localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * The origin of a shop's page in the one spelling in which browsers send it; undefined for what is
 * none: with a path, with a wildcard, or without TLS elsewhere than on the developer's own machine.
 */
export function toWebOrigin(text: string): string | undefined {
  // The parser reads much more than this as an address: blanks, line breaks, other slashes.
  if (!/^https?:\/\/[^\s/\\*@?#]+\/?$/i.test(text)) return undefined;
  const url = URL.parse(text);
  if (!url || url.href !== `${url.origin}/`) return undefined;
  const isSafe = url.protocol === 'https:' || localHosts.test(url.hostname);
  return isSafe ? url.origin : undefined;
}
