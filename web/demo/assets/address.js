// @ts-check

// What a page must not lose on the way to the next one: whose shop it is, where no subdomain says
// so, and the language that the shopper chose.
const kept = ['tenant', 'lang'];

/**
 * @param {string} path
 * @param {Readonly<Record<string, string>>} [parameters]
 */
export function pageAddress(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  for (const name of kept) {
    const value = parameter(name);
    if (value && !query.has(name)) query.set(name, value);
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

/**
 * A member of this page's own address.
 *
 * @param {string} name
 */
export function parameter(name) {
  return new URLSearchParams(location.search).get(name) || undefined;
}
