/**
 * Whom an address stands for when requests are counted. A home or a server has a whole /64 of IPv6
 * addresses to choose from, so that network is one; an IPv4 address that a dual-stack socket shows
 * as IPv6 is the IPv4 address.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.trim().toLowerCase().split('%');
  const url = `http://[${plain}]/`;
  if (!plain.includes(':') || !URL.canParse(url)) return plain;
  // The parser writes each address in one way: no leading zeros, one `::`, no dots.
  const canonical = new URL(url).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (mapped) return dotted(mapped.slice(1).map((group) => Number.parseInt(group, 16)));
  return `${groupsOf(canonical).slice(0, 4).join(':')}::/64`;
}

function groupsOf(canonical: string): string[] {
  const [head = [], tail = []] = canonical
    .split('::')
    .map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail];
}

function dotted(groups: readonly number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}
